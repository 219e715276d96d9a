   0  sub rsp, 0x60
   4  mov r8, rsp
   7  lea r9, [rsp + 0x18]
   c  movups xmm15, xmmword ptr [rdi]
  10  mov r11, qword ptr [rdi + 0x10]
  14  movups xmmword ptr [r8], xmm15
  18  mov qword ptr [r8 + 0x10], r11
  1c  movups xmm15, xmmword ptr [rsi]
  20  mov r11, qword ptr [rsi + 0x10]
  24  movups xmmword ptr [r9], xmm15
  28  mov qword ptr [r9 + 0x10], r11
  2c  xorps xmm15, xmm15
  30  movsd qword ptr [rsp + 0x40], xmm15
  37  movups xmmword ptr [rsp + 0x30], xmm15
  3d  lea rsi, [rsp + 0x30]
  42  xorps xmm15, xmm15
  46  movsd qword ptr [rsp + 0x58], xmm15
  4d  movups xmmword ptr [rsp + 0x48], xmm15
  53  lea rdi, [rsp + 0x48]
  58  movups xmm15, xmmword ptr [r8]
  5c  mov r11, qword ptr [r8 + 0x10]
  60  movups xmmword ptr [rsi], xmm15
  64  mov qword ptr [rsi + 0x10], r11
  68  movups xmm15, xmmword ptr [r9]
  6c  mov r11, qword ptr [r9 + 0x10]
  70  movups xmmword ptr [rdi], xmm15
  74  mov qword ptr [rdi + 0x10], r11
  78  movsd xmm0, qword ptr [rsi]
  7c  movsd xmm1, qword ptr [rdi]
  80  movsd xmm2, qword ptr [rsi + 0x10]
  85  movsd xmm3, qword ptr [rdi + 0x10]
  8a  mulsd xmm0, xmm1
  8e  mulsd xmm2, xmm3
  92  addsd xmm0, xmm2
  96  add rsp, 0x60
  9a  ret
