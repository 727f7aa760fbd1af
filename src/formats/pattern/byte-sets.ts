/** Sets of bytes: 256 places, each 0 or 1. */
export type ByteSet = Uint8Array

const filled = (holds: (byte: number) => boolean): ByteSet => Uint8Array.from({ length: 256 }, (_, byte) => Number(holds(byte)))
const among = (shape: RegExp): ByteSet => filled(byte => byte < 128 && shape.test(String.fromCharCode(byte)))

export const singleByte = (character: string): ByteSet => filled(byte => byte === character.charCodeAt(0))
export const union = (sets: readonly ByteSet[]): ByteSet => filled(byte => sets.some(set => set[byte] === 1))
export const negated = (set: ByteSet): ByteSet => filled(byte => set[byte] !== 1)

/** All but the line feed. */
export const anyByte: ByteSet = filled(byte => byte !== 10)
export const wordBytes: ByteSet = among(/\w/)

const classes: Readonly<Record<string, ByteSet>> = {
  d: among(/\d/), w: wordBytes, s: among(/[\t-\r ]/), D: negated(among(/\d/)), W: negated(wordBytes), S: negated(among(/[\t-\r ]/)),
  t: singleByte('\t'), n: singleByte('\n'), r: singleByte('\r'), f: singleByte('\f'), e: singleByte('\x1b'), a: singleByte('\x07'),
}

export const isEscapedSet = (letter: string): boolean => Object.hasOwn(classes, letter)
export const escapedSet = (letter: string): ByteSet => classes[letter]!

/** The set with the other case of each of its letters; letters are those of ASCII only. */
export const eitherCase = (set: ByteSet): ByteSet => filled(byte => set[byte] === 1
  || (byte >= 65 && byte <= 90 && set[byte + 32] === 1) || (byte >= 97 && byte <= 122 && set[byte - 32] === 1))
