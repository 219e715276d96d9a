// native_mem_lazy_entry: where an entry of a lazy slot jumps to, with its own address in r11 (which a call may clobber, by
// x86-64 psABI 3.2.3). Asks native_mem_resolve_lazy where the call goes and goes there, with the stack and every register
// that may hold an argument as the caller set them; or ends the guarded call by its landing pad.
        .intel_syntax noprefix
        .text

        .globl  native_mem_lazy_entry
        .hidden native_mem_lazy_entry
        .globl  native_mem_lazy_entry_probed
        .hidden native_mem_lazy_entry_probed
        .globl  native_mem_lazy_leave
        .hidden native_mem_lazy_leave
        .type   native_mem_lazy_entry, @function
        .p2align 4
native_mem_lazy_entry:
        .cfi_startproc
// 64 KiB of stack must be there, for C++ to find out whether there is enough for JavaScript. A fault here counts as one of
// the code that called: nothing was touched yet. Page by page, so as not to step over a guard page.
        .irp    page, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
        test    byte ptr [rsp - 4096*\page], 0
        .endr
native_mem_lazy_entry_probed:
        push    rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        mov     rbp, rsp
        .cfi_def_cfa_register rbp
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    r8
        push    r9
        push    rax
        push    r10
        sub     rsp, 144
        and     rsp, -16
        movaps  [rsp], xmm0
        movaps  [rsp + 16], xmm1
        movaps  [rsp + 32], xmm2
        movaps  [rsp + 48], xmm3
        movaps  [rsp + 64], xmm4
        movaps  [rsp + 80], xmm5
        movaps  [rsp + 96], xmm6
        movaps  [rsp + 112], xmm7
        stmxcsr dword ptr [rsp + 128]
        fnstcw  word ptr [rsp + 132]
        cld
        mov     rdi, r11
        lea     rsi, [rbp + 8]
        call    native_mem_resolve_lazy
        test    rdx, rdx
        jnz     1f
        mov     r11, rax
        ldmxcsr dword ptr [rsp + 128]
        fldcw   word ptr [rsp + 132]
        movaps  xmm0, [rsp]
        movaps  xmm1, [rsp + 16]
        movaps  xmm2, [rsp + 32]
        movaps  xmm3, [rsp + 48]
        movaps  xmm4, [rsp + 64]
        movaps  xmm5, [rsp + 80]
        movaps  xmm6, [rsp + 96]
        movaps  xmm7, [rsp + 112]
        lea     rsp, [rbp - 64]
        pop     r10
        pop     rax
        pop     r9
        pop     r8
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
        pop     rbp
        .cfi_remember_state
        .cfi_def_cfa rsp, 8
        .cfi_restore rbp
native_mem_lazy_leave:
        jmp     r11
        .cfi_restore_state
1:      mov     rdi, rdx
        jmp     native_mem_guard_landing
        .cfi_endproc
        .size   native_mem_lazy_entry, . - native_mem_lazy_entry

        .section .note.GNU-stack, "", @progbits
