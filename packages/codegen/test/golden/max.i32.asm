   0  cmp edi, esi
   2  cmovg esi, edi
   5  mov rax, rsi
   8  ret
