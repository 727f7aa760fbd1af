import { readFileSync } from 'node:fs'
import test from 'ava'
import { judgeClaim, judgeUserAgent, mayBeNewer } from '../../src/devices/activesync-claim.ts'
import { loadBundledCatalogue } from '../../src/devices/catalogue.ts'
import { parseBuild } from '../../src/formats/build-number.ts'
import { parseDeviceOs } from '../../src/formats/activesync/user-agent.ts'

type Row = { userAgent: string, identifier: string | null, build: string | null, version: string | null, verdict: string }
const rows = JSON.parse(readFileSync(new URL('../data/activesync/user-agents.json', import.meta.url), 'utf8')) as Row[]
const catalogue = loadBundledCatalogue()

test('every recorded User-Agent means the model, build and version that are recorded of it', t => {
  for (const { userAgent, identifier, build, version, verdict } of rows) {
    t.deepEqual(judgeUserAgent(catalogue, userAgent), { model: identifier, build, osVersion: version, finding: verdict === 'consistent' ? null : verdict as 'unknown-build' }, userAgent)
  }
  t.true(rows.length >= 80)
})

test('every build of the catalogue is read from the User-Agent that its phones send', t => {
  for (const { build } of catalogue.builds.values()) {
    const { major, letter, number, suffix } = parseBuild(build)!
    const twoDigits = (of: string): string => String(of.charCodeAt(0) % 32).padStart(2, '0')
    const version = `${major}${twoDigits(letter)}.${number}${suffix === '' ? '' : `000${twoDigits(suffix)}`}`
    t.is(judgeUserAgent(catalogue, `Apple-iPhone/${version}`).build, build, version)
  }
})

test('a model, a build, or the two together, that never were are told apart', t => {
  const findings = {
    'Apple-iPhone3C1/807.4': null, 'Apple-(null)/704.11': null, 'iOS/11.2.6 (15D100) dataaccessd/1.0': null, 'iOS/11.2 (15D100) dataaccessd/1.0': null,
    'Apple-iPhone3C9/807.4': 'unknown-model', 'Apple-iPhone3C9/2001.379': 'unknown-model', 'Apple-Nexus/807.4': 'unknown-model', 'Apple-i/807.4': 'unknown-model',
    'Apple-iPhone14C5/2001.379': 'unknown-build', 'Apple-iPhone14C5/807.4': 'impossible-pair', 'Apple-iPad/501.347': 'impossible-pair', 'iOS/12.1 (15D100) dataaccessd/1.0': 'impossible-pair',
    'Outlook-iOS/2.0': 'not-activesync', '': 'not-activesync',
  } as const
  for (const [text, finding] of Object.entries(findings)) t.is(judgeUserAgent(catalogue, text).finding, finding, text)
})

test('of systems whose builds the catalogue does not have nothing is said', t => {
  t.deepEqual(judgeUserAgent(catalogue, 'Apple-RealityDevice14C1/2101.10'), { model: 'RealityDevice14,1', build: null, osVersion: null, finding: null })
})

test('DeviceOS of an old system leaves out the last number of the version', t => {
  t.deepEqual(judgeClaim(catalogue, parseDeviceOs('iOS 6.1 10B145')!), { model: null, build: '10B145', osVersion: '6.1.1', finding: null })
})

test('a build that may have come after the catalogue is not taken for one that never was', t => {
  const newest = [...catalogue.builds.keys()].map(build => parseBuild(build)!).filter(({ number }) => number < 5000)
    .sort((a, b) => a.major - b.major || (a.letter < b.letter ? -1 : 1) || a.number - b.number).at(-1)!
  t.true(mayBeNewer(catalogue, `${newest.major}${newest.letter}9${newest.number}`))
  t.true(mayBeNewer(catalogue, `${newest.major}Z1`))
  t.true(mayBeNewer(catalogue, `${newest.major + 1}A300`))
  t.true(mayBeNewer(catalogue, '22Z90'), 'an old phone gets a repair')
  for (const never of ['17D10', '20A379', '21D108', '21C50', '8G5', '20A5999z', [...catalogue.builds.keys()][0]!, 'no build']) t.false(mayBeNewer(catalogue, never), never)
})
