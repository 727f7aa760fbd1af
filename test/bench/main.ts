/**
 * What Latchkey does beside what others do with the same work, in the same run: `npm run bench`. Everything, or the parts
 * that are named: `npm run bench -- issuing scep`. docs/performance.md says how it is measured.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { parts, type PartName } from './parts.ts'
import { fullSizes, openStage, quickSizes, type Sizes } from './stage.ts'
import { tableOf, type Work } from './table.ts'

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: {
  quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, seconds: { type: 'string' }, rounds: { type: 'string' }, certificates: { type: 'string' }, profiles: { type: 'string' }, help: { type: 'boolean', default: false },
} })
const say = (line: string): void => { process.stderr.write(`${line}\n`) }
const usage = `npm run bench -- [--quick] [--json] [--seconds N] [--rounds N] [--certificates N] [--profiles FOLDER] [part …]\nparts: ${Object.keys(parts).join(', ')}\n`
const names = (positionals.length === 0 ? Object.keys(parts) : positionals) as PartName[]
if (options.help || names.some(name => !Object.hasOwn(parts, name))) {
  process.stderr.write(usage)
  process.exit(options.help ? 0 : 2)
}

const stage = openStage({ sizes: sizesAskedFor(), profiles: options.profiles, say })
const [begun, works]: [number, Work[]] = [performance.now(), []]
let cutOff = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {
  // npm and a terminal send it to everybody, and then it comes more than once.
  if (cutOff) return
  cutOff = true
  void print(signal).finally(stage.close).finally(() => { process.exit(130) })
})
for (const name of names) works.push(...await runPart(name))
await print()
await stage.close()
// Connections that are kept open would hold the process up.
process.exit()

/** @param signal  what cut it off: then what was measured until now */
async function print(signal?: string): Promise<void> {
  const database = await stage.server().catch(() => 'none')
  const about = { ...stage.sizes, machine: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`, database, minutes: Number(((performance.now() - begun) / 60_000).toFixed(1)), ...signal === undefined ? {} : { cutOffBy: signal } }
  process.stdout.write(options.json ? `${JSON.stringify({ about, works }, null, 2)}\n` : `${JSON.stringify(about)}\n\n${tableOf(works)}`)
}

function sizesAskedFor(): Sizes {
  const usual = options.quick ? quickSizes : fullSizes
  const certificates = Number(options.certificates ?? usual.certificates)
  return {
    ...usual, certificates, revoked: Math.floor(certificates / 10), lists: options.certificates === undefined ? usual.lists : usual.lists.filter(list => list <= Math.max(certificates, usual.lists[0]!)),
    seconds: Number(options.seconds ?? usual.seconds), rounds: Number(options.rounds ?? usual.rounds),
  }
}

/** A part that fails is said, and the others go on. */
async function runPart(name: PartName): Promise<Work[]> {
  const part = stage.part()
  const [before, title] = [performance.now(), parts[name].title]
  say(`── ${name}: ${title}`)
  try {
    return await parts[name].run(part)
  } catch (error) {
    say(error instanceof Error ? error.stack ?? error.message : String(error))
    process.exitCode = 1
    return [{ row: name, work: title, unit: '', better: 'more', ours: { who: 'Latchkey', notRun: `failed: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}` }, peers: [], targets: [] }]
  } finally {
    await part.close()
    say(`── ${name} took ${((performance.now() - before) / 1000).toFixed(0)} s`)
  }
}
