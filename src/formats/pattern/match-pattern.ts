/**
 * Only whether a pattern stands in a text, for patterns that are held against a hundred thousand of them: the set of all
 * places that can be reached is a state, and from state to state each byte leads the same way every time.
 */
import type { Instruction } from './run-pattern.ts'

type State = {
  readonly accepts: boolean
  readonly acceptsAtEnd: boolean
  readonly ready: readonly number[]
  readonly next: Map<number, State>
}

/** Patterns with more states forget them and begin again, so that none can fill the memory. */
const maxStates = 64

/** @returns undefined for a pattern that looks at what stands left and right of a place */
export function makeMatcher(program: readonly Instruction[]): ((text: Uint8Array) => boolean) | undefined {
  if (program.some(instruction => instruction.op === 'assert' && instruction.assertion.endsWith('word-boundary'))) return undefined
  const start = stateOf(program, [0], true)
  let states = new Map<string, State>()
  const step = (state: State, byte: number): State => {
    const known = state.next.get(byte)
    if (known !== undefined) return known
    const kernel = [...new Set([0, ...state.ready.filter(at => takes(program[at]!, byte)).map(at => at + 1)])].sort((a, b) => a - b)
    const key = kernel.join(' ')
    if (states.size >= maxStates) {
      states = new Map()
      start.next.clear()
    }
    const next = states.get(key) ?? stateOf(program, kernel, false)
    states.set(key, next)
    state.next.set(byte, next)
    return next
  }
  return text => {
    let state = start
    for (const byte of text) {
      if (state.accepts) return true
      state = step(state, byte)
    }
    return state.accepts || state.acceptsAtEnd
  }
}

const takes = (instruction: Instruction, byte: number): boolean => instruction.op === 'byte' && instruction.set[byte] === 1

function stateOf(program: readonly Instruction[], kernel: readonly number[], isStart: boolean): State {
  const reached = closure(program, kernel, isStart, false)
  return {
    next: new Map(),
    ready: reached.filter(at => program[at]!.op === 'byte'),
    accepts: reached.some(at => program[at]!.op === 'match'),
    acceptsAtEnd: closure(program, kernel, isStart, true).some(at => program[at]!.op === 'match'),
  }
}

function closure(program: readonly Instruction[], kernel: readonly number[], isStart: boolean, isEnd: boolean): number[] {
  const reached = new Set<number>()
  const waiting = [...kernel]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (reached.has(at)) continue
    reached.add(at)
    const instruction = program[at]!
    if (instruction.op === 'jump') waiting.push(...instruction.to)
    else if (instruction.op === 'save') waiting.push(at + 1)
    else if (instruction.op === 'assert' && (instruction.assertion === 'start' ? isStart : isEnd)) waiting.push(at + 1)
  }
  return [...reached]
}
