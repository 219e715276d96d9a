   0  mov r8, rdx
   3  cmp rsi, 0xa
   7  jae +0x34
   d  mov esi, dword ptr [rdi + rsi*4]
  10  imul esi, r8d
  14  jo +0x36
  1a  mov rax, rsi
  1d  cmp r8d, -1
  21  je +0x29
  23  cdq
  24  idiv r8d  ; divide
  27  jmp +0x33
  29  neg eax
  2b  jo +0x38
  31  xor edx, edx
  33  ret
  34  ud2  ; bounds
  36  ud2  ; overflow
  38  ud2  ; overflow
