   0  sub rsp, 0x60
   4  mov r8, rsp
   7  movups xmm15, xmmword ptr [rdi]
   b  mov r11, qword ptr [rdi + 0x10]
   f  movups xmmword ptr [r8], xmm15
  13  mov qword ptr [r8 + 0x10], r11
  17  lea rdi, [rsp + 0x18]
  1c  movups xmm15, xmmword ptr [rsi]
  20  mov r11, qword ptr [rsi + 0x10]
  24  movups xmmword ptr [rdi], xmm15
  28  mov qword ptr [rdi + 0x10], r11
  2c  xorps xmm15, xmm15
  30  movsd qword ptr [rsp + 0x40], xmm15
  37  movups xmmword ptr [rsp + 0x30], xmm15
  3d  lea rsi, [rsp + 0x30]
  42  xorps xmm15, xmm15
  46  movsd qword ptr [rsp + 0x58], xmm15
  4d  movups xmmword ptr [rsp + 0x48], xmm15
  53  lea r9, [rsp + 0x48]
  58  movups xmm15, xmmword ptr [r8]
  5c  mov r11, qword ptr [r8 + 0x10]
  60  movups xmmword ptr [rsi], xmm15
  64  mov qword ptr [rsi + 0x10], r11
  68  movups xmm15, xmmword ptr [rdi]
  6c  mov r11, qword ptr [rdi + 0x10]
  70  movups xmmword ptr [r9], xmm15
  74  mov qword ptr [r9 + 0x10], r11
  78  movsd xmm0, qword ptr [rsi]
  7c  movsd xmm1, qword ptr [r9]
  81  movsd xmm2, qword ptr [rsi + 0x10]
  86  movsd xmm3, qword ptr [r9 + 0x10]
  8c  mulsd xmm0, xmm1
  90  mulsd xmm2, xmm3
  94  addsd xmm0, xmm2
  98  add rsp, 0x60
  9c  ret
