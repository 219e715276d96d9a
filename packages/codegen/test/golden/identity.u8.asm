   0  mov rax, rdi
   3  ret
