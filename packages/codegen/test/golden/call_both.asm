   0  sub rsp, 8
   4  movsx esi, sil
   8  mov rax, rdi
   b  mov rdi, rsi
   e  call rax
  10  mov rdi, rax
  13  test qword ptr [rsp - 0x1000], rsp
  1b  test qword ptr [rsp - 0x2000], rsp
  23  test qword ptr [rsp - 0x3000], rsp
  2b  test qword ptr [rsp - 0x4000], rsp
  33  call qword ptr [rip]
  39  mov rsi, rax
  3c  shr rax, 1
  40  movabs rdi, 0x5555555555555555
  4a  and rax, rdi
  4d  sub rsi, rax
  50  movabs rdi, 0x3333333333333333
  5a  mov rax, rsi
  5d  shr rax, 2
  61  and rax, rdi
  64  and rsi, rdi
  67  add rsi, rax
  6a  mov rax, rsi
  6d  shr rax, 4
  71  add rsi, rax
  74  movabs rdi, 0xf0f0f0f0f0f0f0f
  7e  and rsi, rdi
  81  movabs rdi, 0x101010101010101
  8b  imul rsi, rdi
  8f  shr rsi, 0x38
  93  mov rax, rsi
  96  add rsp, 8
  9a  ret
