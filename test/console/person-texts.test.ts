/** The languages of the phone owner's pages, and what the pages make of a browser's words. */
import test from 'ava'
import { browserWords } from '../../src/console/person/browser-words.ts'
import { dayIn, languageOf, languages } from '../../src/console/person/language.ts'
import { isEnding } from '../../src/console/person/progress.ts'
import { shortened } from '../../src/console/person/shortened.ts'
import { shownErrors } from '../../src/console/person/shown-errors.ts'
import type { PersonReason } from '../../src/policy/decision.ts'
import { approval, decided, device, exemption, fact, rule, seconds } from '../policy/support.ts'

const { en, de } = languages

test('the browser chooses the language by what it wants most, and gets English when there is none of its own', t => {
  const cases: [header: string | undefined, language: 'en' | 'de'][] = [
    [undefined, 'en'], ['', 'en'], ['de', 'de'], ['de-AT,de;q=0.9,en;q=0.8', 'de'], ['en-US,en;q=0.9,de;q=0.8', 'en'], ['fr-FR, de;q=0.5', 'de'], ['fr', 'en'],
    ['en;q=0.2, DE;q=0.3', 'de'], ['de;q=0', 'en'], ['de;q=x', 'en'], ['*', 'en'], ['__proto__', 'en'], ['constructor', 'en'], [`${'x'.repeat(10_000)},de`, 'en'], [',;,;=,', 'en'],
  ]
  for (const [header, language] of cases) t.is(languageOf(header), language, header)
})

test('dates stand in the language of the reader', t => {
  const instant = new Date('2027-03-01T09:00:00Z')
  t.is(dayIn(en, instant), '1 March 2027')
  t.is(dayIn(de, instant), '1. März 2027')
})

function leavesOf(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || 'text' in value) return [[path, value]]
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, `${path}.${key}`))
}

test('no text is missing or left in the other language', t => {
  const english = new Map(leavesOf(en, ''))
  const german = new Map(leavesOf(de, ''))
  t.deepEqual([...german.keys()].toSorted(), [...english.keys()].toSorted())
  // Names of products, and what is the same word in both.
  const same = new Set(['Settings', 'Wi-Fi'])
  for (const [path, text] of german) {
    if (typeof text === 'function') continue
    t.true(String(text).length > 0, path)
    if (!same.has(String(text))) t.not(String(text), String(english.get(path)), path)
  }
  for (const code of shownErrors) t.true(de.errors[code].length > 10)
})

/** A decision of every kind, as facts. */
const iPhone13 = device('iPhone14,5', '20A362')
const bound = { ...iPhone13, deviceId: 'd1', invitationId: 'i1' }
const decisions = {
  'allowed': decided(iPhone13, { approvals: [approval('*')] }),
  'allowed-by-exemption': decided(bound, { exemptions: [exemption('allow')] }),
  'quarantined-by-exemption': decided(bound, { exemptions: [exemption('quarantine')] }),
  'blocked-by-exemption': decided(bound, { exemptions: [exemption('block')] }),
  'device-revoked': decided({ ...iPhone13, lockedOut: 'revoked' }, { approvals: [approval('*')] }),
  'device-held': decided({ ...iPhone13, lockedOut: 'held' }, { approvals: [approval('*')] }),
  'person-held': decided({ ...iPhone13, lockedOut: 'person-held' }, { approvals: [approval('*')] }),
  'quarantined-by-rule': decided(iPhone13, { rules: [rule('quarantine', { family: 'iPhone' })] }),
  'blocked-by-rule': decided(iPhone13, { rules: [rule('block', { family: 'iPhone' })] }),
  'facts-missing': decided(device('iPhone14,5'), { approvals: [approval('*')], rules: [rule('block', { osVersion: { below: '17.4' } })] }),
  'model-missing': decided({}, {}),
  'model-unknown': decided(device('iPhone999,1'), { approvals: [approval('*')] }),
  'model-not-approved': decided(iPhone13, {}),
  'approval-ended': decided(iPhone13, { approvals: [approval('*', { endedAt: seconds(-60) })] }),
  'evidence-too-weak': decided(device('iPhone14,5', undefined, { productType: fact('iPhone14,5', 'listed') }), { approvals: [approval('*')] }),
  'inventory-missing': decided(iPhone13, { approvals: [approval('*')], requireInventory: true }),
  'inventory-disagrees': decided({ ...iPhone13, inventoryAgrees: false }, { approvals: [approval('*')], requireInventory: true }),
  'conditions-not-met': decided(iPhone13, { rules: [rule('allow', { family: 'iPhone', osVersion: { from: '17.4' } })] }),
}

test('every kind of decision is worded in both languages, from its facts alone', t => {
  for (const [code, decision] of Object.entries(decisions)) {
    t.is(decision.code, code as typeof decision.code)
    // Read back as it is stored.
    const reason = JSON.parse(JSON.stringify(decision.forPerson)) as PersonReason
    const [english, german] = [en, de].map(({ decision: words }) => [words.why(reason), words.help(reason), words.rule(reason)].filter(text => text !== undefined))
    t.true(english![0]!.length > 10 && german![0]!.length > 10, code)
    t.not(german![0], english![0], code)
    t.is(german!.length, english!.length, code)
    t.true(decision.textForPerson.startsWith(english![0]!), code)
  }
})

test('a reader of German learns what was found, the rule, and what would help', t => {
  const words = (reason: PersonReason | undefined): (string | undefined)[] => [de.decision.why(reason!), de.decision.rule(reason!), de.decision.help(reason!)]
  const older = rule('block', { osVersion: { below: '17.4' } })
  t.deepEqual(words(decided(iPhone13, { rules: [older] }).forPerson), [
    'Auf diesem iPhone 13 läuft iOS 16.0. Gebraucht wird iOS 17.4 oder neuer.', undefined,
    'Aktualisiere es unter Einstellungen, Allgemein, Softwareupdate und öffne danach deinen Link noch einmal.',
  ])
  t.regex(String(words(decided(device('iPhone10,1', '20H115'), { rules: [older] }).forPerson)[2]), /neueres Gerät/)
  t.is(words(decided(device('iPhone1,2'), { rules: [rule('block', { storageEncryption: false })] }).forPerson)[0],
    'Das ist ein Gerät vom Modell iPhone 3G (iPhone1,2). Es verschlüsselt nicht, was es speichert, deshalb wird es hier nicht zugelassen.')
  t.is(words(decisions['blocked-by-rule'].forPerson)[1], 'Die Regel betrifft: iPhone.')
  t.is(words(decided(iPhone13, { rules: [rule('block', { family: 'iPhone' }, { textForPerson: 'Ask Bob.' })] }).forPerson)[0], 'Ask Bob.', 'an admin’s own text stands as it was written')
})

test('a rule about a person or a group does not say so to whoever holds the phone', t => {
  const { forPerson } = decided({ ...iPhone13, person: { id: 'eve@example.com', groups: ['leavers'] } }, { rules: [rule('block', { person: 'eve@example.com', group: 'leavers' })] })
  t.is(forPerson?.verdict, 'block')
  t.notRegex(JSON.stringify(forPerson), /eve|leavers/)
  t.is(en.decision.rule(forPerson!), undefined)
})

const iPhone = (words: string): string => `Mozilla/5.0 (iPhone; CPU iPhone OS ${words}`
const safari = (os: string, version: string): string => iPhone(`${os} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Mobile/15E148 Safari/604.1`)

test('browsers that will not do are recognized by their own words, and Safari is not', t => {
  const cases: [userAgent: string | undefined, advice: string | undefined, ios: number][] = [
    [undefined, undefined, 26], ['curl/8', undefined, 26],
    [safari('17_4', '17.4'), undefined, 17], [safari('18_6', '18.6'), undefined, 18], [safari('18_6', '26.0'), undefined, 26], [safari('16_7', '16.6'), 'old-ios', 17],
    [iPhone('17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 Mobile/15E148 Safari/604.1'), 'other-browser', 17],
    [iPhone('18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/130.0 Mobile/15E148 Safari/605.1.15'), 'other-browser', 18],
    [iPhone('18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 EdgiOS/130.0 Mobile/15E148 Safari/605.1.15'), 'other-browser', 18],
    [iPhone('18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22B83'), 'inside-app', 18],
    [iPhone('18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22B83 [FBAN/FBIOS;FBAV/489.0]'), 'inside-app', 18],
    ['Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36', 'android', 26],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36', 'computer', 26],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15', 'mac-or-ipad', 18],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36', 'computer', 26],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130 Version/18.0 Safari/605.1.15', 'other-browser', 18],
    [`iPhone ${'Version/'.repeat(10_000)}`, 'inside-app', 26],
  ]
  for (const [userAgent, advice, ios] of cases) t.deepEqual(browserWords(userAgent), { advice, ios } as ReturnType<typeof browserWords>, userAgent?.slice(0, 200))
})

test('a key is to be renewed in the days before its end, but never in the first half of its life', t => {
  const key = (days: number) => ({ notBefore: seconds(0), notAfter: seconds(days * 86_400) })
  t.false(isEnding(key(365), 30, seconds(334 * 86_400)))
  t.true(isEnding(key(365), 30, seconds(335 * 86_400)))
  t.false(isEnding(key(10), 30, seconds(86_400)))
  t.true(isEnding(key(10), 30, seconds(5 * 86_400)))
})

test('a long name is cut between letters as people count them', t => {
  t.is(shortened('Zoë', 3), 'Zoë')
  t.is(shortened('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 2), '👩‍👩‍👧👩‍👩‍👧…')
  t.is(shortened('x'.repeat(10_000), 60).length, 61)
  t.is(shortened('', 1), '')
})
