/** Whether who asks is quick enough: the bare server asked by our process and by wrk. */
import { ask, bareServer, sampleOf } from '../asking.ts'
import { peer, run } from '../../support/peers.ts'
import { takeTurns, type Contender } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { httpRequest } from '../asking.ts'
import type { Work } from '../table.ts'

const connections = 64

export async function asker(stage: Stage): Promise<Work[]> {
  const bare = await bareServer(stage.t)
  const { seconds } = stage.sizes
  const contenders: Contender[] = [
    { who: 'our asking process', measure: async () => sampleOf(await ask({ ...bare, rate: 0, seconds, connections, requests: [httpRequest('GET', '/')], expected: [200] })) },
    wrkContender(stage, bare.port),
  ]
  const [ours, wrk] = await takeTurns(stage, 'asking', contenders)
  return [{ row: 'asker', work: 'requests to a bare node:http server, one core each: what can be asked at the most', unit: '/s', better: 'more', ours: ours!, peers: [wrk!], targets: [] }]
}

function wrkContender({ sizes: { seconds } }: Stage, port: number): Contender {
  const [who, program] = ['wrk -t1', installed('wrk')]
  if (program === undefined) return { who, notRun: 'wrk is not installed: Debian has it as a package of that name' }
  return { who, measure: async () => {
    const { stdout } = await run(program, ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, `http://127.0.0.1:${port}/`])
    return { value: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout.toString())![1]) }
  } }
}

/** Outside the test runner a missing program is no failure. */
const installed = (name: string): string | undefined => peer({ log: () => {}, pass: () => {}, fail: () => {} } as never, name)
