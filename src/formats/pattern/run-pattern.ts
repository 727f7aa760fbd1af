/**
 * Runs patterns that somebody else wrote, over text that somebody else wrote.
 *
 * JavaScript's own engine tries one way after the other and can be made to try for centuries (`(a+)+$`), and neither a time
 * limit nor a list of dangerous shapes is sure. Here all ways are followed at once, a byte of text at a time, each place of
 * the program at most once for each byte: the work is the length of the pattern times that of the text, whatever they say.
 * What cannot be done like that (references, looking around) is not read in the first place.
 */
import { wordBytes, type ByteSet } from './byte-sets.ts'
import type { Assertion } from './parse-pattern.ts'

export type Instruction =
  | { readonly op: 'byte', readonly set: ByteSet }
  | { readonly op: 'assert', readonly assertion: Assertion }
  /** On at each of these places, the first one preferred. */
  | { readonly op: 'jump', readonly to: readonly number[] }
  | { readonly op: 'save', readonly slot: number }
  | { readonly op: 'match' }

/** What was found: the whole and each group; undefined for a group that took no part. */
export type Found = { readonly groups: readonly (string | undefined)[] }

/** Where one way stands, and where its groups began and ended. */
type Thread = { readonly at: number, readonly saved: readonly number[] }

/** The leftmost match, and of those the one that a backtracking engine would find first. */
export function runProgram(program: readonly Instruction[], captures: number, text: Uint8Array): Found | undefined {
  const nothing: readonly number[] = new Array<number>((captures + 1) * 2).fill(-1)
  const seen = new Int32Array(program.length).fill(-1)
  let threads: Thread[] = []
  let found: readonly number[] | undefined
  for (let position = 0; position <= text.length; position++) {
    const ready: Thread[] = []
    for (const thread of threads) follow(program, thread, position, text, seen, ready)
    if (found === undefined) follow(program, { at: 0, saved: replaced(nothing, 0, position) }, position, text, seen, ready)
    else if (ready.length === 0) break
    threads = []
    for (const { at, saved } of ready) {
      const instruction = program[at]!
      if (instruction.op === 'match') {
        found = replaced(saved, 1, position)
        // Whatever comes after this one in the order of preference is of no interest any more.
        break
      }
      if (instruction.op === 'byte' && position < text.length && instruction.set[text[position]!] === 1) threads.push({ at: at + 1, saved })
    }
  }
  if (found === undefined) return undefined
  const bounds = found
  return { groups: Array.from({ length: captures + 1 }, (_, group) => cut(text, bounds[group * 2]!, bounds[group * 2 + 1]!)) }
}

const cut = (text: Uint8Array, from: number, to: number): string | undefined => from < 0 || to < 0 ? undefined : Buffer.from(text.subarray(from, to)).toString('utf8')
const replaced = (saved: readonly number[], slot: number, position: number): readonly number[] => saved.with(slot, position)

/** All places that the thread reaches without reading a byte, in order of preference, each once for a position. */
function follow(program: readonly Instruction[], start: Thread, position: number, text: Uint8Array, seen: Int32Array, ready: Thread[]): void {
  const waiting: Thread[] = [start]
  for (let thread = waiting.pop(); thread !== undefined; thread = waiting.pop()) {
    const { at, saved } = thread
    if (seen[at] === position) continue
    seen[at] = position
    const instruction = program[at]!
    switch (instruction.op) {
      case 'jump': {
        for (let i = instruction.to.length - 1; i >= 0; i--) waiting.push({ at: instruction.to[i]!, saved })
        break
      }
      case 'save': {
        waiting.push({ at: at + 1, saved: replaced(saved, instruction.slot, position) })
        break
      }
      case 'assert': {
        if (holds(instruction.assertion, position, text)) waiting.push({ at: at + 1, saved })
        break
      }
      default: ready.push(thread)
    }
  }
}

function holds(assertion: Assertion, position: number, text: Uint8Array): boolean {
  const isWord = (at: number): boolean => at >= 0 && at < text.length && wordBytes[text[at]!] === 1
  switch (assertion) {
    case 'start': return position === 0
    case 'end': return position === text.length
    case 'word-boundary': return isWord(position - 1) !== isWord(position)
    case 'not-word-boundary': return isWord(position - 1) === isWord(position)
  }
}
