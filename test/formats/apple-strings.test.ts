import test from 'ava'
import fc from 'fast-check'
import { compareBuilds, parseBuild } from '../../src/formats/build-number.ts'
import { compareOsVersions, parseOsVersion } from '../../src/formats/os-version.ts'
import { compareProductTypes, parseProductType } from '../../src/formats/product-type.ts'
import { matchesWildcard } from '../../src/formats/wildcard.ts'

test('a product type has a family and two numbers, and one spelling only', t => {
  t.deepEqual(parseProductType('iPhone14,5'), { family: 'iPhone', major: 14, minor: 5 })
  t.deepEqual(parseProductType('RealityDevice14,1'), { family: 'RealityDevice', major: 14, minor: 1 })
  for (const text of ['', 'iPhone', 'iPhone14', 'iPhone14.5', 'iPhone014,5', 'iPhone14,05', 'iPhone0,1', ' iPhone14,5', 'iPhone14,5\n', 'iPhone14C5', 'iPhone14,5,6', 'iPhone9999,1']) {
    t.is(parseProductType(text), undefined, text)
  }
})

test('product types are listed by number, not by letter', t => {
  t.deepEqual(['iPhone10,1', 'iPhone9,1', 'iPad5,1', 'iPhone9,10', 'iPhone9,2'].sort(compareProductTypes),
    ['iPad5,1', 'iPhone9,1', 'iPhone9,2', 'iPhone9,10', 'iPhone10,1'])
})

test('a build number is major, letter, number and sometimes a small letter', t => {
  t.deepEqual(parseBuild('20A362'), { major: 20, letter: 'A', number: 362, suffix: '' })
  t.deepEqual(parseBuild('5H11a'), { major: 5, letter: 'H', number: 11, suffix: 'a' })
  for (const text of ['', '20A', 'A362', '20a362', '20A362 ', '20A362ab', '020A362', '2001.362']) t.is(parseBuild(text), undefined, text)
  t.deepEqual(['20A362', '8C148', '19H384', '20A357', '20B79'].sort(compareBuilds), ['8C148', '19H384', '20A357', '20A362', '20B79'])
})

test('versions are compared number by number, with betas before and security responses after the release', t => {
  const inOrder = ['1.0', '4.2.1', '16.7.2', '17', '17.4 beta 3', '17.4', '17.4 (a)', '17.4 (c)', '17.4.1', '17.10', '26.0']
  for (let i = 1; i < inOrder.length; i++) {
    t.true(compareOsVersions(parseOsVersion(inOrder[i - 1]!)!, parseOsVersion(inOrder[i]!)!) < 0, `${inOrder[i - 1]} < ${inOrder[i]}`)
  }
  t.is(compareOsVersions(parseOsVersion('17.4')!, parseOsVersion('17.4.0')!), 0)
})

test('what is not a version is not compared', t => {
  for (const text of ['', 'iOS 17.4', '17.', '.4', '17.4.1.2.3', '17,4', '17.4 or so', '-1', '1e3', '17.4\n', '9'.repeat(400)]) t.is(parseOsVersion(text), undefined, text)
})

test('only * and ? are wild, and the whole text must fit', t => {
  const cases: [string, string, boolean][] = [
    ['iPhone14,5', 'iPhone14,5', true], ['iPhone14,5', 'iPhone14,55', false], ['iPhone1*', 'iPhone14,5', true], ['iPhone1*', 'iPhone1,2', true],
    ['iPhone1,*', 'iPhone14,5', false], ['*', '', true], ['?', '', false], ['iPhone1?,*', 'iPhone1,2', false], ['iPhone*', 'xiPhone1,1', false],
    ['i.hone1,1', 'iPhone1,1', false], ['[a-z]*', 'iPhone1,1', false], ['iphone*', 'iPhone1,1', false], ['*,5', 'iPhone14,5', true], ['***', 'a', true],
  ]
  for (const [pattern, text, expected] of cases) t.is(matchesWildcard(pattern, text), expected, `${pattern} on ${text}`)
  t.false(matchesWildcard('*', 'a'.repeat(65)))
  t.false(matchesWildcard('*'.repeat(65), 'a'))
})

test('a wildcard means what the same regular expression means', t => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', ','), maxLength: 10 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', ',', '*', '?'), maxLength: 8 })
  fc.assert(fc.property(pattern, letters, (wild, text) => {
    const expression = new RegExp(`^${wild.replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`)
    return matchesWildcard(wild, text) === expression.test(text)
  }), { numRuns: 2000 })
  t.pass()
})
