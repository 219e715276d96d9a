// What installed code can still be called. Code calls other code through slots: one for each symbol and signature, which
// leads to the present code of that symbol. Code is a root while it is published (its address is given out) or is an entry;
// it lives while a root leads to it. Whoever loses a reference is looked at, and nobody else: backwards, over code that is no root, until a
// root is found. Counting alone would never free code that calls itself.

/** Where all calls of a symbol go that rely on one signature. Code of another signature gets a slot of its own. */
export interface Slot<Code, Pointer> {
  readonly symbol: string;
  readonly signature: string;
  /** What the code refers to. */
  readonly pointer: Pointer;
  readonly target: Code | undefined;
}

/** What the graph does to the things that it keeps the books of. */
export interface CallGraphActions<Code, Pointer> {
  /** The pointer leads there from now on. */
  redirect(pointer: Pointer, code: Code): void;
  closeCode(code: Code): void;
  closePointer(pointer: Pointer): void;
}

interface Edge<Code, Pointer> extends Slot<Code, Pointer> {
  target: Code | undefined;
  readonly callers: Set<Node<Code, Pointer>>;
}

interface Node<Code, Pointer> {
  readonly code: Code;
  readonly calls: readonly Edge<Code, Pointer>[];
  /** The slots that lead here. */
  readonly slots: Set<Edge<Code, Pointer>>;
  isRoot: boolean;
}

export class CallGraph<Code extends object, Pointer> {
  readonly #actions: CallGraphActions<Code, Pointer>;
  readonly #nodes = new Map<Code, Node<Code, Pointer>>();
  /** By symbol, then by signature. */
  readonly #slots = new Map<string, Map<string, Edge<Code, Pointer>>>();
  /** Code that lost a reference since the last collection. */
  readonly #suspects = new Set<Node<Code, Pointer>>();

  constructor(actions: CallGraphActions<Code, Pointer>) {
    this.#actions = actions;
  }

  has(code: Code): boolean {
    return this.#nodes.has(code);
  }

  slot(symbol: string, signature: string): Slot<Code, Pointer> | undefined {
    return this.#slots.get(symbol)?.get(signature);
  }

  /** True if any code calls the symbol. */
  isCalled(symbol: string): boolean {
    return this.#slots.has(symbol);
  }

  /** Takes a pointer, which leads to `target` already. A slot that nothing calls through is closed by `discard` only. */
  addSlot(symbol: string, signature: string, pointer: Pointer, target: Code | undefined): Slot<Code, Pointer> {
    const slot: Edge<Code, Pointer> = { symbol, signature, pointer, target: undefined, callers: new Set() };
    let ofSymbol = this.#slots.get(symbol);
    if (ofSymbol === undefined) {
      ofSymbol = new Map();
      this.#slots.set(symbol, ofSymbol);
    }
    ofSymbol.set(signature, slot);
    if (target !== undefined) this.#aim(slot, target);
    return slot;
  }

  /** Closes a slot that no code was added for, unless it is closed. */
  discard(slot: Slot<Code, Pointer>): void {
    const edge = slot as Edge<Code, Pointer>;
    if (edge.callers.size === 0) this.#closeSlot(edge);
  }

  /** Takes code, as a root, with the slots that it calls through. */
  add(code: Code, calls: readonly Slot<Code, Pointer>[]): void {
    const node: Node<Code, Pointer> = {
      code,
      calls: calls as readonly Edge<Code, Pointer>[],
      slots: new Set(),
      isRoot: true,
    };
    this.#nodes.set(code, node);
    for (const slot of node.calls) slot.callers.add(node);
  }

  /** Calls through the slot go to this code from now on. */
  redirect(slot: Slot<Code, Pointer>, code: Code): void {
    this.#actions.redirect(slot.pointer, code);
    this.#aim(slot as Edge<Code, Pointer>, code);
  }

  /** The code is a root no more: it lives as long as something calls it. */
  release(code: Code): void {
    const node = this.#nodes.get(code);
    if (node === undefined) return;
    node.isRoot = false;
    this.#suspects.add(node);
  }

  /** Closes what no root leads to any more. */
  collect(): void {
    while (this.#suspects.size > 0) {
      const dead = this.#findDead();
      this.#suspects.clear();
      for (const node of dead) this.#nodes.delete(node.code);
      for (const node of dead) this.#closeNode(node);
    }
  }

  /** Closes everything. */
  close(): void {
    for (const { code } of this.#nodes.values()) this.release(code);
    this.collect();
  }

  /** Of the suspects, and of all that calls them and is no root: what no root leads to. */
  #findDead(): Node<Code, Pointer>[] {
    const zone = new Set<Node<Code, Pointer>>();
    for (const node of this.#suspects) if (!node.isRoot && this.#nodes.has(node.code)) zone.add(node);
    // Sets that grow while they are walked are walked to their new ends.
    const alive = new Set<Node<Code, Pointer>>();
    for (const node of zone) if (addCallers(node, zone)) alive.add(node);
    for (const { calls } of alive) {
      for (const { target } of calls) {
        const node = target && this.#nodes.get(target);
        if (node !== undefined && zone.has(node)) alive.add(node);
      }
    }
    return [...zone].filter((node) => !alive.has(node));
  }

  #closeNode(node: Node<Code, Pointer>): void {
    this.#actions.closeCode(node.code);
    for (const slot of node.calls) {
      slot.callers.delete(node);
      if (slot.callers.size === 0) this.#closeSlot(slot);
      else this.#suspect(slot.target);
    }
  }

  #closeSlot(slot: Edge<Code, Pointer>): void {
    const ofSymbol = this.#slots.get(slot.symbol);
    if (ofSymbol?.get(slot.signature) !== slot) return; // closed already: code may call through it twice
    ofSymbol.delete(slot.signature);
    if (ofSymbol.size === 0) this.#slots.delete(slot.symbol);
    this.#actions.closePointer(slot.pointer);
    const target = slot.target && this.#nodes.get(slot.target);
    target?.slots.delete(slot);
    this.#suspect(slot.target);
  }

  #aim(slot: Edge<Code, Pointer>, code: Code): void {
    const before = slot.target && this.#nodes.get(slot.target);
    before?.slots.delete(slot);
    this.#suspect(slot.target);
    slot.target = code;
    this.#nodes.get(code)!.slots.add(slot);
  }

  #suspect(code: Code | undefined): void {
    const node = code && this.#nodes.get(code);
    if (node !== undefined) this.#suspects.add(node);
  }
}

/** Adds those that call the node; true, and then perhaps not all, if a root does. */
function addCallers<Code, Pointer>(node: Node<Code, Pointer>, zone: Set<Node<Code, Pointer>>): boolean {
  for (const { callers } of node.slots) {
    for (const caller of callers) {
      if (caller.isRoot) return true;
      zone.add(caller);
    }
  }
  return false;
}
