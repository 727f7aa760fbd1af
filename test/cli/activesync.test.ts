import { readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { runCommand } from '../support/cli.ts'
import { temporaryFolder } from '../support/temporary.ts'

const recorded = (name: string): any => JSON.parse(readFileSync(new URL(`../data/activesync/${name}.json`, import.meta.url), 'utf8'))
/** No service and no data folder: the command is for whoever holds a log. */
const explain = async (...args: string[]) => await runCommand({}, ['activesync', 'explain', ...args])
const objects = (out: string): any[] => out.trimEnd().split('\n').map(line => JSON.parse(line))

test('a User-Agent is explained in sentences, with what is wrong with it', async t => {
  const fits = await explain('--user-agent', 'Apple-iPhone3C1/807.4')
  t.is(fits.exitCode, 0)
  t.is(fits.out, 'Apple-iPhone3C1/807.4\n  It claims to be an iPhone 4 (GSM) (iPhone3,1) on 4.3.1, build 8G4.\n  The catalogue has nothing against it. That proves nothing: any program can send this text.\n')
  for (const [text, sentence] of [
    ['Apple-iPhone14C5/807.4', 'Build 8G4 (4.3.1) never ran on an iPhone14,5: no device says this.'], ['Apple-iPhone14C3/1704.10', 'There never was a build 17D10'],
    ['Apple-iPhone14C5/9901.1', 'It may have come after the catalogue, or be made up.'], ['Apple-iPhone3C9/807.4', 'There is no iPhone3,9 in the catalogue'],
    ['iOS/12.1 (15D100) dataaccessd/1.0', 'Build 15D100 is 11.2.6, and not 12.1: no device says this.'], ['Apple-iPhone/705.18', 'Before version 4 no model was sent.'],
    ['Apple-(null)/704.11', 'It claims to be a device that it does not name on 3.1.2, build 7D11.'], ['curl/8.0', 'This is not a User-Agent that an Apple device sends over ActiveSync.'],
  ] as const) t.true((await explain('--user-agent', text)).out.includes(sentence), text)
})

test('as JSON it is one object a line with these fields and no others', async t => {
  const { exitCode, out } = await explain('--user-agent', 'Apple-iPhone14C5/2001.379', '--json')
  t.deepEqual([exitCode, out], [0, '{"input":"Apple-iPhone14C5/2001.379","model":"iPhone14,5","build":null,"osVersion":null,"finding":"unknown-build"}\n'])
})

test('a file of User-Agents is explained line by line, as recorded', async t => {
  const rows = recorded('user-agents') as { userAgent: string, identifier: string | null, build: string | null, version: string | null, verdict: string }[]
  const file = `${await temporaryFolder(t)}/lines`
  writeFileSync(file, `${rows.map(row => row.userAgent).join('\r\n')}\n\nnonsense`)
  const { exitCode, out } = await explain('--file', file, '--json')
  t.is(exitCode, 0)
  t.deepEqual(objects(out), [
    ...rows.map(row => ({ input: row.userAgent, model: row.identifier, build: row.build, osVersion: row.version, finding: row.verdict === 'consistent' ? null : row.verdict })),
    ...['', 'nonsense'].map(input => ({ input, model: null, build: null, osVersion: null, finding: 'not-activesync' })),
  ])
})

test('a file of queries is explained line by line, as recorded', async t => {
  const { vectors } = recorded('queries') as { vectors: { query: string, expect: object }[] }
  const file = `${await temporaryFolder(t)}/lines`
  writeFileSync(file, vectors.map(({ query }) => `${query}\n`).join(''))
  const { exitCode, out } = await explain('--file', file, '--queries', '--json')
  t.is(exitCode, 0)
  t.deepEqual(objects(out), vectors.map(({ query, expect }) => ({ input: query, ...expect })))
})

test('a query may be given with its address, and says what an old DeviceId is made of', async t => {
  const { out } = await explain('--query', '/Microsoft-Server-ActiveSync?Cmd=Sync&User=CONTOSO%5Cann&DeviceId=ApplC39GQ8NNDTDL&DeviceType=iPhone')
  t.regex(out, /Sync, from the device ApplC39GQ8NNDTDL, which calls itself iPhone\./)
  t.regex(out, /It names the user CONTOSO\\ann\..*here C39GQ8NNDTDL/s)
  t.regex((await explain('--query', 'Cmd=Sync&User=ann&user=bob')).out, /should act on: duplicate User\./)
})

test('what Exchange lists of a phone is explained as well', async t => {
  t.regex((await explain('--device-model', 'iPhone4C1')).out, /an iPhone 4S \(iPhone4,1\)/)
  t.like((await explain('--device-os', 'iOS 6.1 10B145', '--json')).json, { build: '10B145', osVersion: '6.1.1', finding: null })
})

test('asked for nothing, or for a file that is not there, it is wrong use', async t => {
  for (const args of [[], ['--queries'], ['--file', '/nowhere/lines'], ['--file', '/']]) t.is((await explain(...args)).exitCode, 2, args.join(' '))
})

test('what a client sends does not write to the terminal', async t => {
  t.false((await explain('--user-agent', 'Apple-\u001b[2J')).out.includes('\u001b'))
  t.false((await explain('--query', 'Cmd=Sync&User=a\u202eb')).out.includes('\u202e'))
})
