/** How long a start takes with a large store, and what memory. */
import { largeStore } from '../large-store.ts'
import { residentMb } from '../processes.ts'
import { takeTurns, type Contender } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { reaches, type Work } from '../table.ts'

export async function start(stage: Stage): Promise<Work[]> {
  const { latchkey, start: startOnce, population } = await largeStore(stage)
  const memory: number[] = []
  await startOnce()
  const contenders: Contender[] = [{ who: 'Latchkey', measure: async () => {
    await latchkey.stop()
    const before = performance.now()
    await latchkey.start()
    const value = (performance.now() - before) / 1000
    memory.push(await residentMb(latchkey.pid()!))
    return { value, about: { MB: memory.at(-1)! } }
  } }]
  const [ours] = await takeTurns(stage, 'start', contenders)
  const certificates = (population.good + population.revoked).toLocaleString('en')
  const time = { row: 'start', work: `start with ${certificates} certificates, to the first /readyz that is good`, unit: 's', better: 'less', ours: ours!, peers: [] } satisfies Omit<Work, 'targets'>
  const room = { row: 'start', work: 'memory of the service then', unit: 'MB', better: 'less', ours: { who: 'Latchkey', values: memory }, peers: [] } satisfies Omit<Work, 'targets'>
  return [{ ...time, targets: [reaches(time, 3, 'under 3 s')] }, { ...room, targets: [reaches(room, 250, 'under 250 MB')] }]
}
