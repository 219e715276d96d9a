   0  sub rsp, 8
   4  mov rax, rdi
   7  mov rdi, rsi
   a  call rax
   c  mov rdi, rax
   f  test qword ptr [rsp - 0x1000], rsp
  17  test qword ptr [rsp - 0x2000], rsp
  1f  test qword ptr [rsp - 0x3000], rsp
  27  test qword ptr [rsp - 0x4000], rsp
  2f  call qword ptr [rip]
  35  mov rsi, rax
  38  shr rax, 1
  3c  movabs rdi, 0x5555555555555555
  46  and rax, rdi
  49  sub rsi, rax
  4c  movabs rdi, 0x3333333333333333
  56  mov rax, rsi
  59  shr rax, 2
  5d  and rax, rdi
  60  and rsi, rdi
  63  add rsi, rax
  66  mov rax, rsi
  69  shr rax, 4
  6d  add rsi, rax
  70  movabs rdi, 0xf0f0f0f0f0f0f0f
  7a  and rsi, rdi
  7d  movabs rdi, 0x101010101010101
  87  imul rsi, rdi
  8b  shr rsi, 0x38
  8f  mov rax, rsi
  92  add rsp, 8
  96  ret
