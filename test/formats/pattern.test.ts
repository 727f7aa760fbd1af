import test from 'ava'
import fc from 'fast-check'
import { CaError } from '../../src/errors.ts'
import { compilePattern } from '../../src/formats/pattern/pattern.ts'

const found = (pattern: string, text: string, ignoreCase = false): (string | undefined)[] | undefined => {
  const match = compilePattern(pattern, { ignoreCase }).find(text)
  return match === undefined ? undefined : [...match.groups]
}
const codeOf = (pattern: string): string | undefined => {
  try {
    compilePattern(pattern)
    return undefined
  } catch (error) {
    return error instanceof CaError ? error.code : String(error)
  }
}

test('a pattern is looked for anywhere, and says what its groups held', t => {
  t.deepEqual(found('70.*', 'Apple-iPhone2C1/701.341'), ['701.341'])
  t.deepEqual(found('iphone', 'Apple-iPhone'), undefined)
  t.deepEqual(found('iphone', 'Apple-iPhone', true), ['iPhone'])
  t.deepEqual(found('^Apple-([a-z]+)(\\d+)?/', 'Apple-iPad/702.367', true), ['Apple-iPad/', 'iPad', undefined])
  t.deepEqual(found('801.8*', 'x8019'), ['8019'])
  t.deepEqual(found('a{2,3}?b|c$', 'aaab'), ['aaab'])
  t.deepEqual(found('[^]x-]+', ']x-ab'), ['ab'])
  t.deepEqual(found('\\bPad\\b', 'iPad Pad'), ['Pad'])
})

test('what cannot be run in bounded time, or means nothing, is refused with a code of its own', t => {
  for (const pattern of ['(a)\\1', '(?=a)b', '(?<!a)b', 'a++', '(?>a)', '(?i:a)', '[[:alpha:]]', '\\pL', 'a{2000}', `${'('.repeat(40)}a${')'.repeat(40)}`,
    '((((a{10}){10}){10}){10}){10}', '(?:(?:(?:){1000}){1000}){1000}', 'a'.repeat(1001)]) t.is(codeOf(pattern), 'unsupported-rewrite-rules', pattern)
  for (const pattern of ['*a', 'a)', '(a', '[a', 'a\\', 'a**', '[b-a]', 'a{3,2}']) t.is(codeOf(pattern), 'malformed-rewrite-rules', pattern)
})

test('patterns that never end elsewhere end here', t => {
  const hostile = `${'a'.repeat(3000)}!`
  for (const pattern of ['(a+)+$', '(a|a)*$', '(.*a){12}$', '(a*)*b', '((a?){20}){20}$']) t.notThrows(() => found(pattern, hostile), pattern)
  t.is(found('(a+)+$', hostile), undefined)
})

test('where both can say, it says what JavaScript’s own engine says', t => {
  const piece = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(?:ab)', '^', '$', '\\d', '\\.', 'a*', 'b+?', '.*', '(a)?', '(b|)', 'a{1,2}', '|', '\\b')
  fc.assert(fc.property(fc.array(piece, { maxLength: 6 }), fc.stringMatching(/^[ab1. ]{0,8}$/), (pieces, text) => {
    const pattern = pieces.join('')
    const theirs = new RegExp(pattern).exec(text)
    t.deepEqual(found(pattern, text), theirs === null ? undefined : [...theirs])
  }), { numRuns: 2000 })
})
