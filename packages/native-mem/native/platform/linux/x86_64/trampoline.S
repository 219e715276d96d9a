// native_mem_guarded_call(GuardFrame*): calls frame->target by the System V ABI (x86-64 psABI 3.2) with the registers
// and stack words of the frame; returns 0, or 1 when the fault handler sent control to native_mem_guard_landing.
// native_mem_guarded_copy(to, from, count) is a memcpy whose faults count as ours.
        .intel_syntax noprefix
        .text

        .globl  native_mem_guarded_call
        .hidden native_mem_guarded_call
        .type   native_mem_guarded_call, @function
        .p2align 4
native_mem_guarded_call:
        .cfi_startproc
        push    rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        mov     rbp, rsp
        .cfi_def_cfa_register rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 8
        .cfi_offset rbx, -24
        .cfi_offset r12, -32
        .cfi_offset r13, -40
        .cfi_offset r14, -48
        .cfi_offset r15, -56
        mov     rbx, rdi
        stmxcsr dword ptr [rdi + 160]
        fnstcw  word ptr [rdi + 164]
        mov     qword ptr [rdi], rsp
        mov     rcx, qword ptr [rdi + 24]
        test    rcx, rcx
        jz      2f
        mov     rsi, qword ptr [rdi + 16]
        lea     rax, [rcx + 1]
        and     rax, -2
        shl     rax, 3
        sub     rsp, rax
1:      mov     rdx, qword ptr [rsi + rcx*8 - 8]
        mov     qword ptr [rsp + rcx*8 - 8], rdx
        dec     rcx
        jnz     1b
2:      movsd   xmm0, qword ptr [rbx + 80]
        movsd   xmm1, qword ptr [rbx + 88]
        movsd   xmm2, qword ptr [rbx + 96]
        movsd   xmm3, qword ptr [rbx + 104]
        movsd   xmm4, qword ptr [rbx + 112]
        movsd   xmm5, qword ptr [rbx + 120]
        movsd   xmm6, qword ptr [rbx + 128]
        movsd   xmm7, qword ptr [rbx + 136]
        mov     rdi, qword ptr [rbx + 32]
        mov     rsi, qword ptr [rbx + 40]
        mov     rdx, qword ptr [rbx + 48]
        mov     rcx, qword ptr [rbx + 56]
        mov     r8, qword ptr [rbx + 64]
        mov     r9, qword ptr [rbx + 72]
        mov     eax, 8
        call    qword ptr [rbx + 8]
        .globl  native_mem_guard_return
        .hidden native_mem_guard_return
native_mem_guard_return:
        mov     qword ptr [rbx + 144], rax
        movsd   qword ptr [rbx + 152], xmm0
        xor     eax, eax
3:      lea     rsp, [rbp - 40]
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        .cfi_def_cfa rsp, 8
        ret
        .cfi_endproc
        .size   native_mem_guarded_call, . - native_mem_guarded_call

// The fault handler resumes here with rdi = the frame. Nothing else of the machine state is trusted.
        .globl  native_mem_guard_landing
        .hidden native_mem_guard_landing
        .type   native_mem_guard_landing, @function
native_mem_guard_landing:
        mov     rsp, qword ptr [rdi]
        lea     rbp, [rsp + 48]
        fninit
        fldcw   word ptr [rdi + 164]
        ldmxcsr dword ptr [rdi + 160]
        cld
        mov     eax, 1
        jmp     3b
        .size   native_mem_guard_landing, . - native_mem_guard_landing

        .globl  native_mem_guarded_copy
        .hidden native_mem_guarded_copy
        .globl  native_mem_guarded_copy_end
        .hidden native_mem_guarded_copy_end
        .type   native_mem_guarded_copy, @function
        .p2align 4
native_mem_guarded_copy:
        mov     rcx, rdx
        rep movsb
        ret
native_mem_guarded_copy_end:
        .size   native_mem_guarded_copy, . - native_mem_guarded_copy

        .section .note.GNU-stack, "", @progbits
