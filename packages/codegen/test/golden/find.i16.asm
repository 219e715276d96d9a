   0  xor r8d, r8d
   3  jmp +0x1e
   8  movzx r9d, word ptr [rdi + r8*2]
   d  lea r10, [r8 + 1]
  11  cmp r9w, dx
  15  je +0x28
  1b  mov r8, r10
  1e  cmp r8, rsi
  21  jl +0x8
  23  jmp +0x2c
  28  mov rax, r8
  2b  ret
  2c  mov rax, 0xffffffffffffffff
  33  ret
