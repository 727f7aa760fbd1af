import { CaError } from '../../errors.ts'
import { eitherCase } from './byte-sets.ts'
import { makeMatcher } from './match-pattern.ts'
import { parsePattern, type PatternNode } from './parse-pattern.ts'
import { runProgram, type Found, type Instruction } from './run-pattern.ts'

export type Pattern = {
  readonly source: string
  /** Steps that one byte of text can cost at most. */
  readonly size: number
  /** Looks for the pattern anywhere in the text. */
  find(text: string): Found | undefined
}

const maxInstructions = 2000
// Counted too, because a part that is empty makes no instruction however often it is repeated.
const maxParts = 20_000

type Emitter = { readonly program: Instruction[], readonly ignoreCase: boolean, parts: number }

/**
 * Makes a pattern ready to be looked for.
 *
 * @param ignoreCase  letters of ASCII in either case
 * @throws {CaError} malformed-rewrite-rules, unsupported-rewrite-rules
 */
export function compilePattern(source: string, { ignoreCase = false }: { ignoreCase?: boolean } = {}): Pattern {
  const { root, captures, ignoreCase: inside } = parsePattern(source)
  const program: Instruction[] = []
  emit({ program, ignoreCase: ignoreCase || inside, parts: 0 }, root)
  program.push({ op: 'match' })
  const matches = makeMatcher(program)
  return {
    source, size: program.length,
    find(text) {
      const bytes = Buffer.from(text, 'utf8')
      if (matches?.(bytes) === false) return undefined
      // Most who ask do not look at the groups.
      let found = matches === undefined ? runProgram(program, captures, bytes) : null
      return found === undefined ? undefined : { get groups() { return (found ??= runProgram(program, captures, bytes)!).groups } }
    },
  }
}

function emit(emitter: Emitter, node: PatternNode): void {
  const { program, ignoreCase } = emitter
  if (++emitter.parts > maxParts || program.length > maxInstructions) throw new CaError('unsupported-rewrite-rules', 'the pattern is too large when its repetitions are written out')
  switch (node.kind) {
    case 'set': return void program.push({ op: 'byte', set: ignoreCase ? eitherCase(node.set) : node.set })
    case 'assert': return void program.push({ op: 'assert', assertion: node.assertion })
    case 'sequence': return node.parts.forEach(part => { emit(emitter, part) })
    case 'choice': return emitChoice(emitter, node.parts)
    case 'group': {
      if (node.capture !== null) program.push({ op: 'save', slot: node.capture * 2 })
      emit(emitter, node.inner)
      if (node.capture !== null) program.push({ op: 'save', slot: node.capture * 2 + 1 })
      return
    }
    case 'repeat': return emitRepeat(emitter, node)
  }
}

function emitChoice(emitter: Emitter, parts: readonly PatternNode[]): void {
  const { program } = emitter
  const exits: number[] = []
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1) {
      emit(emitter, part)
      continue
    }
    const fork = program.push({ op: 'jump', to: [] }) - 1
    emit(emitter, part)
    exits.push(program.push({ op: 'jump', to: [] }) - 1)
    program[fork] = { op: 'jump', to: [fork + 1, program.length] }
  }
  for (const exit of exits) program[exit] = { op: 'jump', to: [program.length] }
}

function emitRepeat(emitter: Emitter, { inner, least, most, lazy }: Extract<PatternNode, { kind: 'repeat' }>): void {
  const { program } = emitter
  for (let i = 0; i < least; i++) emit(emitter, inner)
  const ways = (on: number, out: number): number[] => lazy ? [out, on] : [on, out]
  if (most === Infinity) {
    const fork = program.push({ op: 'jump', to: [] }) - 1
    emit(emitter, inner)
    program.push({ op: 'jump', to: [fork] })
    program[fork] = { op: 'jump', to: ways(fork + 1, program.length) }
    return
  }
  const forks: number[] = []
  for (let i = least; i < most; i++) {
    forks.push(program.push({ op: 'jump', to: [] }) - 1)
    emit(emitter, inner)
  }
  for (const fork of forks) program[fork] = { op: 'jump', to: ways(fork + 1, program.length) }
}
