   0  xor r8d, r8d
   3  jmp +0x25
   8  movsd xmm1, qword ptr [rdi + r8*8]
   e  lea r9, [r8 + 1]
  12  ucomisd xmm1, xmm0
  16  jp +0x22
  1c  je +0x2f
  22  mov r8, r9
  25  cmp r8, rsi
  28  jl +0x8
  2a  jmp +0x33
  2f  mov rax, r8
  32  ret
  33  mov rax, 0xffffffffffffffff
  3a  ret
