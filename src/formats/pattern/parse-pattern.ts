/**
 * Regular expressions as front ends write them, for people who bring theirs along: the part of PCRE that needs no
 * going back (no references, no looking around, no possessive repetition). `run-pattern.ts` says why.
 */
import { CaError } from '../../errors.ts'
import { anyByte, escapedSet, isEscapedSet, negated, singleByte, union } from './byte-sets.ts'
import type { ByteSet } from './byte-sets.ts'

export type Assertion = 'start' | 'end' | 'word-boundary' | 'not-word-boundary'

export type PatternNode =
  | { readonly kind: 'set', readonly set: ByteSet }
  | { readonly kind: 'assert', readonly assertion: Assertion }
  | { readonly kind: 'sequence' | 'choice', readonly parts: readonly PatternNode[] }
  /** @property capture  number of the group, counted from 1; null where it is only a bracket */
  | { readonly kind: 'group', readonly capture: number | null, readonly inner: PatternNode }
  | { readonly kind: 'repeat', readonly inner: PatternNode, readonly least: number, readonly most: number, readonly lazy: boolean }

export type ParsedPattern = { readonly root: PatternNode, readonly captures: number, readonly ignoreCase: boolean }

export const maxPatternBytes = 1000
const maxDepth = 30
const maxRepetition = 1000

const unsupported = (what: string): CaError => new CaError('unsupported-rewrite-rules', `the pattern uses ${what}, which is not read`)
const malformed = (what: string): CaError => new CaError('malformed-rewrite-rules', `the pattern has ${what}`)

/** @throws {CaError} malformed-rewrite-rules, unsupported-rewrite-rules */
export function parsePattern(pattern: string): ParsedPattern {
  if (Buffer.byteLength(pattern) > maxPatternBytes) throw unsupported(`more than ${maxPatternBytes} bytes`)
  // Front ends compare bytes and know no characters.
  const text = Buffer.from(pattern, 'utf8').toString('latin1')
  const ignoreCase = text.startsWith('(?i)')
  const state: State = { text, at: ignoreCase ? 4 : 0, captures: 0, depth: 0 }
  const root = choice(state)
  if (state.at < text.length) throw malformed('a closing bracket without its opening one')
  return { root, captures: state.captures, ignoreCase }
}

type State = { readonly text: string, at: number, captures: number, depth: number }

function choice(state: State): PatternNode {
  if (++state.depth > maxDepth) throw unsupported(`more than ${maxDepth} brackets inside each other`)
  const parts = [sequence(state)]
  while (state.text[state.at] === '|') {
    state.at++
    parts.push(sequence(state))
  }
  state.depth--
  return parts.length === 1 ? parts[0]! : { kind: 'choice', parts }
}

function sequence(state: State): PatternNode {
  const parts: PatternNode[] = []
  while (state.at < state.text.length && !'|)'.includes(state.text[state.at]!)) parts.push(repeated(state, atom(state)))
  return { kind: 'sequence', parts }
}

function repeated(state: State, inner: PatternNode): PatternNode {
  const found = /^(?:([*+?])|\{(\d{1,4})(?:(,)(\d{0,4}))?\})/.exec(state.text.slice(state.at, state.at + 12))
  if (found === null) return inner
  if (inner.kind === 'assert') throw unsupported('repetition of a place')
  const [whole, sign, low, comma, high] = found
  const least = sign === undefined ? Number(low) : sign === '+' ? 1 : 0
  const most = sign === undefined ? comma === undefined ? least : high === '' ? Infinity : Number(high) : sign === '?' ? 1 : Infinity
  if (least > maxRepetition || (most !== Infinity && most > maxRepetition)) throw unsupported(`more than ${maxRepetition} repetitions`)
  if (most < least) throw malformed('a repetition that ends before it begins')
  state.at += whole.length
  const after = state.text[state.at]
  if (after === '+') throw unsupported('possessive repetition')
  if (after === '*') throw malformed('a repetition of a repetition')
  if (after === '?') state.at++
  return { kind: 'repeat', inner, least, most, lazy: after === '?' }
}

function atom(state: State): PatternNode {
  const character = state.text[state.at++]!
  switch (character) {
    case '(': return group(state)
    case '[': return { kind: 'set', set: bracketed(state) }
    case '.': return { kind: 'set', set: anyByte }
    case '^': return { kind: 'assert', assertion: 'start' }
    case '$': return { kind: 'assert', assertion: 'end' }
    case '\\': return escaped(state)
    case '*': case '+': case '?': throw malformed(`a ${character} with nothing before it`)
    default: return { kind: 'set', set: singleByte(character) }
  }
}

function group(state: State): PatternNode {
  const plain = state.text.startsWith('?:', state.at)
  if (!plain && '?*'.includes(state.text[state.at] ?? ' ')) throw unsupported('a bracket with a special meaning')
  if (plain) state.at += 2
  const capture = plain ? null : ++state.captures
  const inner = choice(state)
  if (state.text[state.at] !== ')') throw malformed('an opening bracket without its closing one')
  state.at++
  return { kind: 'group', capture, inner }
}

const places: Readonly<Record<string, Assertion>> = { b: 'word-boundary', B: 'not-word-boundary', A: 'start', z: 'end' }

function escaped(state: State): PatternNode {
  const letter = state.text[state.at] ?? ''
  if (Object.hasOwn(places, letter)) {
    state.at++
    return { kind: 'assert', assertion: places[letter]! }
  }
  return { kind: 'set', set: escapedByte(state) }
}

/** After the backslash: a class of bytes, a byte by its number, or a sign that means itself. */
function escapedByte(state: State): ByteSet {
  const letter = state.text[state.at++] ?? ''
  if (letter === '') throw malformed('a backslash at its end')
  if (isEscapedSet(letter)) return escapedSet(letter)
  if (letter === 'x') {
    const hex = /^[0-9A-Fa-f]{2}/.exec(state.text.slice(state.at, state.at + 2))?.[0]
    if (hex === undefined) throw unsupported('\\x without two digits')
    state.at += 2
    return singleByte(String.fromCharCode(Number.parseInt(hex, 16)))
  }
  if (/[A-Za-z0-9]/.test(letter)) throw unsupported(`\\${letter}`)
  return singleByte(letter)
}

function bracketed(state: State): ByteSet {
  const isNegated = state.text[state.at] === '^'
  if (isNegated) state.at++
  const sets: ByteSet[] = []
  // A closing bracket that comes first is one of the signs.
  for (let first = true; first || state.text[state.at] !== ']'; first = false) {
    if (state.at >= state.text.length) throw malformed('an opening square bracket without its closing one')
    if (/^\[[:.=]/.test(state.text.slice(state.at, state.at + 2))) throw unsupported('a named class')
    sets.push(range(state))
  }
  state.at++
  const set = union(sets)
  return isNegated ? negated(set) : set
}

function range(state: State): ByteSet {
  const low = oneOf(state)
  if (state.text[state.at] !== '-' || (state.text[state.at + 1] ?? ']') === ']') return low.set
  state.at++
  const high = oneOf(state)
  if (low.code === undefined || high.code === undefined) throw unsupported('a range that ends in a class')
  if (high.code < low.code) throw malformed('a range that ends before it begins')
  return union(Array.from({ length: high.code - low.code + 1 }, (_, i) => singleByte(String.fromCharCode(low.code! + i))))
}

function oneOf(state: State): { set: ByteSet, code: number | undefined } {
  const character = state.text[state.at++]!
  if (character !== '\\') return { set: singleByte(character), code: character.charCodeAt(0) }
  if (state.text[state.at] === 'b') throw unsupported('\\b in square brackets')
  const set = escapedByte(state)
  return { set, code: set.filter(Boolean).length === 1 ? set.indexOf(1) : undefined }
}
