import test from 'ava'
import {
  buildOf, familyOf, loadBundledCatalogue, mergeCatalogue, modelsMatching, osVersionOf, parseCatalogue, ranOn,
} from '../../src/devices/catalogue.ts'
import { findPreset, modelsOfPreset, presetNames } from '../../src/devices/presets.ts'
import { CaError } from '../../src/errors.ts'
import { parseOsVersion } from '../../src/formats/os-version.ts'

const catalogue = loadBundledCatalogue()
const portable = [...catalogue.models.values()].filter(model => ['iPhone', 'iPad', 'iPod touch'].includes(model.family))

test('the catalogue knows 419 models and 1337 builds', t => {
  t.is(catalogue.models.size, 419)
  t.is(catalogue.builds.size, 1337)
  t.is(portable.length, 179)
})

test('every model is found under its own identifier, and every identifier spells its family', t => {
  for (const [identifier, model] of catalogue.models) {
    t.is(model.identifier, identifier)
    t.is(familyOf(identifier), model.family, identifier)
  }
})

test('every build with a version has one that can be compared, and ran only on models we know', t => {
  for (const build of catalogue.builds.values()) {
    if (build.version !== null) t.not(parseOsVersion(build.version), undefined, build.build)
    for (const identifier of build.productTypes) t.true(catalogue.models.has(identifier), `${build.build} on ${identifier}`)
  }
})

test('exactly four iPhones, iPads and iPods do not encrypt their storage', t => {
  t.deepEqual(portable.filter(model => model.hardwareEncryption !== true).map(model => model.identifier).sort(),
    ['iPhone1,1', 'iPhone1,2', 'iPod1,1', 'iPod2,1'])
})

test('the iPod touch sold as "3rd generation" with 8 GB is iPod2,1, and says so', t => {
  const model = catalogue.models.get('iPod2,1')!
  t.is(model.hardwareEncryption, false)
  t.regex(model.notes.join(' '), /8 GB .*3rd generation.*by identifier/s)
  t.is(catalogue.models.get('iPod3,1')?.hardwareEncryption, true)
})

test('presets pick the models that they name', t => {
  const count = (name: typeof presetNames[number]): number => modelsOfPreset(catalogue, name).filter(model => portable.includes(model)).length
  t.deepEqual(Object.fromEntries(presetNames.map(name => [name, count(name)])),
    { 'storage-encryption': 175, 'secure-enclave': 149, 'can-attest': 109, 'attests-model': 103, 'still-supported': 84 })
  t.is(findPreset('constructor'), undefined)
  t.is(findPreset('can-attest')?.name, 'can-attest')
})

test('what no source says is not taken for a yes by any preset', t => {
  const undocumented = catalogue.models.get('AppleTV2,1')!
  t.is(undocumented.hardwareEncryption, null)
  t.false(findPreset('storage-encryption')!.matches(undocumented))
  t.false(findPreset('still-supported')!.matches(undocumented))
})

test('models are named one by one or by wildcard', t => {
  const identifiers = (pattern: string): string[] => modelsMatching(catalogue, pattern).map(model => model.identifier)
  t.deepEqual(identifiers('iPhone14,5'), ['iPhone14,5'])
  t.deepEqual(identifiers('iPhone1,*').sort(), ['iPhone1,1', 'iPhone1,2'])
  t.true(identifiers('iPhone1*').includes('iPhone14,5'))
  t.is(identifiers('*').length, 419)
  t.deepEqual(identifiers('iPhone 13'), [])
  t.deepEqual(identifiers('__proto__'), [])
})

test('a build tells its version and the models it was published for', t => {
  t.is(osVersionOf(catalogue, '20A362'), '16.0')
  t.is(osVersionOf(catalogue, '22D8063'), undefined)
  t.is(osVersionOf(catalogue, '99Z99'), undefined)
  t.is(buildOf(catalogue, '23G6083')?.twinOf, '23G83')
})

test('a build that never ran on a model is told from one of which nobody knows', t => {
  t.true(ranOn(catalogue, '20A362', 'iPhone14,5'))
  t.false(ranOn(catalogue, '20A362', 'iPhone1,2'))
  t.false(ranOn(catalogue, '8C148', 'iPhone14,5'))
  t.is(ranOn(catalogue, '99Z99', 'iPhone14,5'), undefined)
  t.is(ranOn(catalogue, '20A362', 'iPhone99,9'), undefined)
  t.is(ranOn(catalogue, '23A256', 'iPhone14,5'), undefined)
})

test('an update replaces and adds models and builds, and leaves the rest and the base as they were', t => {
  const base = catalogue.models.get('iPhone14,5')!
  const update = parseCatalogue(JSON.stringify({
    version: '2027-01-01',
    models: [{ ...base, maxOSOpen: false }, { ...base, identifier: 'iPhone20,1', name: 'iPhone 19 Pro' }],
    builds: [{ build: '25A1', version: '28.0', os: ['iOS'], released: null, kind: 'release', productTypes: ['iPhone20,1'] }],
  }))
  const merged = mergeCatalogue(catalogue, update)
  t.is(merged.models.size, 420)
  t.is(merged.models.get('iPhone14,5')?.maxOSOpen, false)
  t.is(osVersionOf(merged, '25A1'), '28.0')
  t.true(ranOn(merged, '25A1', 'iPhone20,1'))
  t.is(merged.version, '2027-01-01')
  t.is(catalogue.models.get('iPhone14,5')?.maxOSOpen, true)
  t.is(catalogue.models.size, 419)
})

test('a catalogue file that is not right is refused as a whole, and says where', t => {
  const model = catalogue.models.get('iPhone14,5')!
  const files: [string, unknown][] = [
    ['a list', []], ['null', null], ['a number', 7], ['an unknown key', { model: [] }],
    ['a model without its facts', { models: [{ identifier: 'iPhone20,1', name: 'x' }] }],
    ['a fact that is text', { models: [{ ...model, hardwareEncryption: 'true' }] }],
    ['an extra fact', { models: [{ ...model, admin: true }] }],
    ['a wildcard as a model', { models: [{ ...model, identifier: 'iPhone*' }] }],
    ['a model twice', { models: [model, model] }],
    ['a long name', { models: [{ ...model, name: 'x'.repeat(101) }] }],
    ['a build that is none', { builds: [{ build: 'latest', version: '1.0', os: [], released: null, kind: 'release', productTypes: [] }] }],
    ['too many models', { models: Array.from({ length: 5001 }, (_, i) => ({ ...model, identifier: `iPhone${(i % 900) + 1},1` })) }],
  ]
  for (const [what, file] of files) {
    t.is(t.throws(() => parseCatalogue(JSON.stringify(file)), { instanceOf: CaError }, what)?.code, 'malformed-catalogue', what)
  }
  for (const text of ['', '{', '{"models":', `${'['.repeat(200_000)}`, '{"__proto__":{"models":[]}}']) {
    t.is(t.throws(() => parseCatalogue(text), { instanceOf: CaError })?.code, 'malformed-catalogue')
  }
  t.regex(t.throws(() => parseCatalogue(JSON.stringify({ models: [{ ...model, soc: 1 }] })))!.message, /models\.0\.soc/)
})
