   0  mov r8, rdi
   3  mov rcx, rsi
   6  lea r9, [r8 + 1]
   a  mov rdi, r9
   d  mov rsi, r8
  10  test rcx, rcx
  13  jle +0x5b
  15  movzx r11d, byte ptr [rsi + rcx - 1]
  1b  movzx r11d, byte ptr [rdi + rcx - 1]
  21  mov r11, rdi
  24  sub r11, rsi
  27  cmp r11, rcx
  2a  jb +0x30
  2c  rep movsb byte ptr [rdi], byte ptr [rsi]
  2e  jmp +0x5b
  30  sub rcx, 8
  34  jb +0x44
  36  mov r11, qword ptr [rsi + rcx]
  3a  mov qword ptr [rdi + rcx], r11
  3e  sub rcx, 8
  42  jae +0x36
  44  add rcx, 8
  48  je +0x5b
  4a  movzx r11d, byte ptr [rsi + rcx - 1]
  50  mov byte ptr [rdi + rcx - 1], r11b
  55  sub rcx, 1
  59  jne +0x4a
  5b  movups xmm0, xmmword ptr [r9]
  5f  movups xmm15, xmmword ptr [r9 + 0x10]
  64  mov r11, qword ptr [r9 + 0x20]
  68  movups xmmword ptr [r8], xmm0
  6c  movups xmmword ptr [r8 + 0x10], xmm15
  71  mov qword ptr [r8 + 0x20], r11
  75  movabs rsi, 0x707070707070707
  7f  mov qword ptr [r8], rsi
  82  mov qword ptr [r8 + 4], rsi
  86  ret
