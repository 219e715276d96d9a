   0  xor r8d, r8d
   3  xorps xmm0, xmm0
   6  jmp +0x27
   b  lea r9, [r8 + r8*2]
   f  lea r9, [rdi + r9*8]
  13  movsd xmm1, qword ptr [r9 + 8]
  19  addsd xmm0, xmm1
  1d  add r8, 1
  21  jo +0x2d
  27  cmp r8, rsi
  2a  jl +0xb
  2c  ret
  2d  ud2  ; overflow
