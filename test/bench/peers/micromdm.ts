/** micromdm's SCEP server (github.com/micromdm/scep), with a CA that it makes itself. */
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { run } from '../../support/peers.ts'
import { startProgram } from '../processes.ts'
import type { Stage } from '../stage.ts'

export type MicromdmScep = { port: number, pid: number, scepUrl: string, challenge: string }

export async function micromdmScep(stage: Stage, program: string): Promise<MicromdmScep> {
  const depot = join(await stage.folder(), 'depot')
  const [port, challenge] = [await freePort(), 'a challenge that all have']
  const made = await run(program, ['ca', '-init', '-depot', depot, '-keySize', '2048'])
  if (made.status !== 0) throw new Error(`scepserver ca -init: ${made.stderr.slice(0, 300)}`)
  const { pid } = await startProgram(stage.t, program, ['-depot', depot, '-http-addr', `127.0.0.1:${port}`, '-challenge', challenge, '-allowrenew', '0'], port)
  return { port, pid, scepUrl: `http://127.0.0.1:${port}/scep`, challenge }
}
