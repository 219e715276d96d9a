   0  maxsd xmm0, xmm1
   4  ret
