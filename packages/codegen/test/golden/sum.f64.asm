   0  xor r8d, r8d
   3  xorps xmm0, xmm0
   6  jmp +0x19
   b  movsd xmm1, qword ptr [rdi + r8*8]
  11  addsd xmm0, xmm1
  15  add r8, 1
  19  cmp r8, rsi
  1c  jl +0xb
  1e  ret
