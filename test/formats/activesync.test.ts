import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { parseDeviceModel, parseDeviceOs, parseUserAgent } from '../../src/formats/activesync/user-agent.ts'
import { parseQuery } from '../../src/formats/activesync/query.ts'

type Vector = { form: string, query: string, expect: Record<string, unknown> }
const { vectors } = JSON.parse(readFileSync(new URL('../data/activesync/queries.json', import.meta.url), 'utf8')) as { vectors: Vector[] }

for (const { form, query, expect } of vectors) {
  test(`the ${form} query ${query.slice(0, 50)} means what is recorded of it`, t => {
    const parsed = parseQuery(query)
    if ('error' in parsed) return t.deepEqual({ ...parsed }, expect as never)
    const { form: found, ...rest } = parsed
    t.is(found as string, form)
    t.deepEqual({ ...rest, ...'locale' in rest && { locale: `0x${rest.locale.toString(16).padStart(4, '0')}` } }, expect as never)
  })
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const builds = fc.record({ major: fc.integer({ min: 1, max: 99 }), letter: fc.nat(25), number: fc.integer({ min: 1, max: 9999 }), suffix: fc.option(fc.nat(25)) })
const twoDigits = (position: number): string => String(position + 1).padStart(2, '0')

test('every build is read back from both of its spellings, with a model and without', t => {
  fc.assert(fc.property(builds, fc.boolean(), fc.constantFrom('iPhone', 'iPhone14C5', 'iPad8C11', '(null)'), ({ major, letter, number, suffix }, padded, device) => {
    const build = `${major}${letters[letter]}${number}${suffix === null ? '' : letters[suffix]!.toLowerCase()}`
    const version = `${major}${twoDigits(letter)}.${padded ? String(number).padStart(3, '0') : number}${suffix === null ? '' : `000${twoDigits(suffix)}`}`
    return parseUserAgent(`Apple-${device}/${version}`)?.build === build
  }))
  t.pass()
})

test('what other programs and careless imitators write is not taken for Apple’s', t => {
  for (const text of [
    '', 'Apple-', 'Apple-iPhone', 'Apple-iPhone3C1', 'Apple-iPhone3C1/', 'Apple-iPhone3C1/807', 'Apple-iPhone3C1 /807.4', 'Apple-iPhone03C1/807.4', 'Apple-iPhone3,1/807.4',
    'apple-iphone3c1/807.4', ' Apple-iPhone3C1/807.4', 'Apple-iPhone3C1/807.4\n', 'Apple-iPhone3C1/807.4 (x)', 'Apple-iPhone3C1/8.07.4', 'Apple-iPhone3C1/800.4', 'Apple-iPhone3C1/827.4',
    'Apple-iPhone3C1/07.4', 'Apple-iPhone3C1/007.4', 'Apple-iPhone3C1/807.04', 'Apple-iPhone3C1/807.0004', 'Apple-iPhone3C1/901.531300027', 'Apple-iPhone3C1/901.531300000',
    'Apple-(Null)/704.11', 'xApple-iPhone3C1/807.4', 'Outlook-iOS/2.0', 'Android/0.3', 'iOS/11.2.6 dataaccessd/1.0', 'iOS/11.2.6 (15d100) dataaccessd/1.0', 'iOS/11.2.6 (15D100) dataaccessd/1.0 x',
    'Apple-iPhone3C1/807.٤', `Apple-iPhone/${'8'.repeat(200)}.4`, `iOS/${'1.'.repeat(100)}1 (15D100) dataaccessd/1.0`,
  ]) t.is(parseUserAgent(text), undefined, text)
})

test('the account daemon says its version and build, and no model', t => {
  t.deepEqual(parseUserAgent('iOS/11.2.6 (15D100) dataaccessd/1.0'), { family: null, productType: null, build: '15D100', osVersion: '11.2.6' })
})

test('DeviceModel and DeviceOS are read as phones write them', t => {
  t.is(parseDeviceModel('iPhone4C1'), 'iPhone4,1')
  for (const text of ['', 'iPhone', 'iPhone4,1', 'iPhone04C1', 'iPhone4c1', 'iPhone4C1C1', 'iPhone4C1\n']) t.is(parseDeviceModel(text), undefined, text)
  t.deepEqual(parseDeviceOs('iOS 6.1 10B145'), { family: null, productType: null, build: '10B145', osVersion: '6.1' })
  t.is(parseDeviceOs('iOS 11.2.6 15D100')?.build, '15D100')
  for (const text of ['', 'iOS', 'iOS 6.1', '6.1 10B145', 'iOS 6.1 (10B145)', 'Android 4.4 10B145', 'iOS 6.1 10B145 x']) t.is(parseDeviceOs(text), undefined, text)
})

const errorOf = (query: string): string | undefined => {
  const parsed = parseQuery(query)
  return 'error' in parsed ? parsed.error : undefined
}

test('a query that two readers could read differently is refused', t => {
  const base64 = 'jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l'
  for (const [query, error] of [
    ['User=ann&User=bob', 'duplicate User'], ['User=ann&user=bob', 'duplicate User'], ['User=ann&%55ser=bob', 'duplicate User'], ['Cmd=Sync&User=ann&Foo=1&Foo=2', 'duplicate Foo'],
    [`${base64}&User=bob`, 'both forms at once'], [`User=bob&${base64}`, 'both forms at once'], ['User=bob&oQAJBBpPOFM5VUQ0RE9IMFNMRVBPUUM1QUo5QUUzQwRgSOpNBmlQaG9uZQ==', 'both forms at once'],
    ['Cmd=Sync&User', 'both forms at once'], ['', 'empty'], ['=', 'neither of the two forms'], ['Cmd=Sync&=x', 'a parameter has no name'], ['User=%ff&Cmd=Sync', 'not percent-encoded UTF-8'],
    ['User=a%00b&Cmd=Sync', 'User holds a control character'], ['User=&Cmd=Sync', 'User empty'], ['Cmd=Sy%20nc', 'Cmd is not a word'], ['DeviceId=&Cmd=Sync', 'DeviceId empty'],
    ['DeviceId=a-b&Cmd=Sync', 'DeviceId holds other than letters and digits'], [`User=${'a'.repeat(513)}&Cmd=Sync`, 'User longer than 512'], ['a'.repeat(3000), 'longer than 2048'],
    [Array.from({ length: 40 }, (_, i) => `p${'abcdefghijklmnopqrstuvwxyz'[i % 26]}=1`).join('&'), 'more than 32 parameters'],
  ] as const) t.is(errorOf(query), error, query)
})

const encoded = (...bytes: (number | string)[]): string => Buffer.concat(bytes.map(part => typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))).toString('base64')

test('a binary query is refused at the first thing that is wrong', t => {
  const head = [141, 0, 9, 4, 4, 'Dev1', 0, 6, 'iPhone']
  t.is(errorOf(encoded(...head)), undefined)
  for (const [bytes, error] of [
    [[120, ...head.slice(1)], 'protocol version 12.0 has no such form'], [[141, 5, ...head.slice(2)], 'unknown command 5'], [[141, 0, 9, 4, 0, 0, 6, 'iPhone'], 'DeviceId empty'],
    [[141, 0, 9, 4, 33, 'a'.repeat(33), 0, 6, 'iPhone'], 'DeviceId longer than 32'], [[141, 0, 9, 4, 200, 'abc'], 'ends too early'], [[141], 'ends too early'],
    [[141, 0, 9, 4, 4, 'Dev1', 0, 0], 'DeviceType empty'], [[...head, 2, 0], 'unknown parameter 2'], [[...head, 8, 4, 'ann'], 'ends too early'], [[...head, 8], 'ends too early'],
    [[...head, 8, 2, 255, 254], 'User is not UTF-8'], [[...head, 8, 2, 'a', 0], 'User holds a control character'], [[...head, 7, 1, 4], 'Options holds what is not known'],
    [[141, 0, 9, 4, 4, 'Dev1', 4, 1, 2, 3], 'ends too early'],
  ] as const) t.is(errorOf(encoded(...bytes)), error, JSON.stringify(bytes))
  t.like(parseQuery(encoded(...head, 7, 1, 3, 1, 1, '5')), { parameters: { Options: 'SaveInSent,AcceptMultiPart', CollectionId: '5' } })
  t.is(errorOf(encoded(...head).replace(/.$/, '')), 'neither of the two forms')
})

test('a binary query may arrive percent-encoded', t => {
  const query = 'oQAJBBpPOFM5VUQ0RE9IMFNMRVBPUUM1QUo5QUUzQwRgSOpNBmlQaG9uZQ=='
  t.deepEqual(parseQuery(query.replaceAll('=', '%3D')), parseQuery(query))
})

test('any text and any bytes are answered, never thrown at', t => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => { parseUserAgent(text); parseQuery(text); parseDeviceModel(text); parseDeviceOs(text) }))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
    const parsed = parseQuery(Buffer.from(bytes).toString('base64'))
    return 'error' in parsed || parsed.form === 'base64'
  }))
  t.pass()
})

test('what is put into a plain query is what comes out, in any order', t => {
  const user = fc.string({ minLength: 1, maxLength: 60, unit: fc.constantFrom(...'abc@.\\ &=+%é日') })
  const id = fc.string({ minLength: 1, maxLength: 32, unit: fc.constantFrom(...'abcXYZ019') })
  fc.assert(fc.property(user, id, fc.shuffledSubarray(['Cmd', 'User', 'DeviceId', 'DeviceType'], { minLength: 4 }), (name, deviceId, order) => {
    const values: Record<string, string> = { Cmd: 'Sync', User: name, DeviceId: deviceId, DeviceType: 'iPhone' }
    t.deepEqual(parseQuery(order.map(key => `${key}=${encodeURIComponent(values[key]!)}`).join('&')), { form: 'plain', command: 'Sync', user: name, deviceId, deviceType: 'iPhone' })
  }))
})
