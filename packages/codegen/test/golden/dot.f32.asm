   0  xor r8d, r8d
   3  xorps xmm0, xmm0
   6  jmp +0x23
   b  movss xmm1, dword ptr [rdi + r8*4]
  11  movss xmm2, dword ptr [rsi + r8*4]
  17  mulss xmm1, xmm2
  1b  addss xmm0, xmm1
  1f  add r8, 1
  23  cmp r8, rdx
  26  jl +0xb
  28  ret
