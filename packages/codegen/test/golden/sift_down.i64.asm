   0  mov r8, qword ptr [rdi + rsi*8]
   4  jmp +0x39
   9  lea r10, [r9 + 1]
   d  cmp r10, rdx
  10  jge +0x25
  16  mov rcx, qword ptr [rdi + r9*8]
  1a  mov rax, qword ptr [rdi + r10*8]
  1e  cmp rax, rcx
  21  cmovg r9, r10
  25  mov r10, qword ptr [rdi + r9*8]
  29  cmp r10, r8
  2c  jle +0x46
  32  mov qword ptr [rdi + rsi*8], r10
  36  mov rsi, r9
  39  lea r9, [rsi + rsi]
  3d  add r9, 1
  41  cmp r9, rdx
  44  jl +0x9
  46  mov qword ptr [rdi + rsi*8], r8
  4a  ret
