   0  push rbx
   1  push rbp
   2  push r12
   4  mov rbx, rdi
   7  mov rbp, rsi
   a  mov rsi, rbp
   d  shr rsi, 0x3f
  11  add rsi, rbp
  14  sar rsi, 1
  18  jmp +0x32
  1d  lea r12, [rsi - 1]
  21  mov rdx, rbp
  24  mov rsi, r12
  27  mov rdi, rbx
  2a  call fn$sift_down$i64
  2f  mov rsi, r12
  32  test rsi, rsi
  35  jg +0x1d
  37  jmp +0x5b
  3c  add rbp, -1
  40  mov rsi, qword ptr [rbx]
  43  mov rdi, qword ptr [rbx + rbp*8]
  47  mov qword ptr [rbx], rdi
  4a  mov qword ptr [rbx + rbp*8], rsi
  4e  mov rdx, rbp
  51  mov rdi, rbx
  54  xor esi, esi
  56  call fn$sift_down$i64
  5b  cmp rbp, 1
  5f  jg +0x3c
  61  pop r12
  63  pop rbp
  64  pop rbx
  65  ret
