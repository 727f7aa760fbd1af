/**
 * How much memory the agent takes with a million revoked certificates: `npm run bench:agent-memory`. A real agent process and
 * a real HAProxy; the feed and the lists come from here. Above idle means: above the same agent with nobody revoked.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { agentProcess } from '../support/agent-process.ts'
import { outsideTests } from '../support/context.ts'
import { FeedServer } from '../support/feed-server.ts'
import { prepareHaproxy } from '../support/haproxy.ts'
import { peer } from '../support/peers.ts'
import { enrolledFolder, until } from '../support/running-agent.ts'
import { get } from '../support/tls-client.ts'

const { values: options } = parseArgs({ options: { revoked: { type: 'string', default: '1000000' }, partitions: { type: 'string', default: '16' }, json: { type: 'boolean', default: false } } })
const revoked = Number(options.revoked)
const partitions = Number(options.partitions)
/** What is demanded at a million. */
const mostMegabytes = 150
const outside = outsideTests()
const { t } = outside
const megabytes = (value: number): number => Math.round(value / 1024)

try {
  const haproxy = peer(t, 'haproxy')
  if (haproxy === undefined) throw new Error('HAProxy is not installed')
  const idle = await settled(haproxy, 0)
  const full = await settled(haproxy, revoked)
  const said = { revoked, partitions, idleMb: idle.settled, settledMb: full.settled - idle.settled, peakMb: full.peak - idle.settled, againMb: full.again - idle.settled, most: mostMegabytes }
  process.stdout.write(options.json ? `${JSON.stringify(said, null, 2)}\n` : [
    `Agent with ${revoked.toLocaleString('en')} revoked certificates in ${partitions} partitions, MB of resident memory above the ${idle.settled} MB of the same agent with none:`, '',
    '| settled | peak, at the start | peak, when every list is signed anew | bound |', '| ---: | ---: | ---: | ---: |', `| ${said.settledMb} | ${said.peakMb} | ${said.againMb} | ${mostMegabytes} |`, '',
  ].join('\n'))
  if (revoked === 1_000_000 && Math.max(said.peakMb, said.againMb) > mostMegabytes) process.exitCode = 1
} finally {
  await outside.close()
}
process.exit()

/** One agent from its first start on, in megabytes of resident memory. */
async function settled(program: string, count: number): Promise<{ settled: number, peak: number, again: number }> {
  const own = outsideTests()
  try {
    const server = await FeedServer.start(own.t, { partitions })
    const publish = async (): Promise<void> => {
      for (let partition = 0; partition < partitions; partition++) await server.put(partition, { serialNumbers: serialNumbers(partition, count) })
      for (const list of server.lists) server.send('list', list)
    }
    await publish()
    const [haproxy, folder] = [await prepareHaproxy(own.t, program), await enrolledFolder(own.t, server)]
    folder.writeTarget({ files: haproxy.settings.files, socket: haproxy.settings.socket, reload: [...haproxy.settings.reload] })
    const agent = agentProcess(own.t, folder.path, haproxy.settings.files)
    const phone = await server.issue()
    agent.start()
    await agent.hasLists()
    await haproxy.start()
    const beats = setInterval(() => { server.heartbeat() }, 5000)
    own.t.teardown(() => { clearInterval(beats) })
    await until(async () => await get(haproxy.port, { identity: phone }).then(({ status }) => status === 200, () => false))
    await wait(5000)
    const first = { settled: memory(agent.pid(), 'VmRSS'), peak: memory(agent.pid(), 'VmHWM') }
    writeFileSync(`/proc/${agent.pid()}/clear_refs`, '5')
    await publish()
    const put = agent.events.filter(({ event }) => event === 'lists-in-place').length
    await until(() => agent.events.filter(({ event }) => event === 'lists-in-place').length > put)
    await wait(5000)
    return { ...first, again: memory(agent.pid(), 'VmHWM') }
  } finally {
    await own.close()
  }
}

function serialNumbers(partition: number, count: number): string[] {
  return Array.from({ length: Math.floor(count / partitions) }, (_, n) => `40${(n * partitions + partition).toString(16).padStart(30, '0')}`)
}

function memory(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return megabytes(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]))
}
