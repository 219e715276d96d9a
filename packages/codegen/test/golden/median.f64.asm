   0  push rbx
   1  push rbp
   2  sub rsp, 8
   6  mov rbx, rdi
   9  mov rbp, rsi
   c  cmp rbp, 1
  10  jge +0x18
  16  ud2
  18  mov rsi, rbp
  1b  mov rdi, rbx
  1e  call fn$sort$f64
  23  lea rsi, [rbp - 1]
  27  mov rdi, rsi
  2a  shr rdi, 0x3f
  2e  add rsi, rdi
  31  sar rsi, 1
  35  movsd xmm0, qword ptr [rbx + rsi*8]
  3a  add rsp, 8
  3e  pop rbp
  3f  pop rbx
  40  ret
