   0  xor r8d, r8d
   3  xor r9d, r9d
   6  jmp +0x17
   b  movzx r10d, byte ptr [rdi + r8]
  10  add r9d, r10d
  13  add r8, 1
  17  cmp r8, rsi
  1a  jl +0xb
  1c  mov rax, r9
  1f  ret
