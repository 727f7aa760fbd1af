/** `/check` as nginx asks it, at most and at a constant rate; a bare server gets the same requests in the same rounds. */
import { ask, assertRight, bareServer, checkMicroseconds, sampleOfCore, type Asked } from '../asking.ts'
import { checkRequest } from '../check-requests.ts'
import { largeStore, numbers } from '../large-store.ts'
import { frontEnd } from '../latchkey.ts'
import { takeTurns, type Sample } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { reaches, type Target, type Work } from '../table.ts'

const [rate, connections] = [10_000, 64]

/** @property warmSeconds  at 5,000/s: what is remembered after a while is remembered then; @property among  so many certificates of the store are asked about, by so many requests; @property rate  0 where the next is sent as soon as one is answered */
type Case = { work: string, requests: number, among: number, rate: number, warmSeconds?: number, targets: (work: Omit<Work, 'targets'>) => Target[] }

export async function check(stage: Stage): Promise<Work[]> {
  const { latchkey, template, population: { good, revoked }, start } = await largeStore(stage)
  await start()
  const [bare, working] = [await bareServer(stage.t), await bareServer(stage.t, checkMicroseconds)]
  const works: Work[] = []
  for (const { work: name, among, rate, warmSeconds = 1, targets, ...each } of casesOf(good, good + revoked)) {
    const asked = numbers(each.requests, among)
    const requests = asked.map(n => checkRequest(template, n, frontEnd.secret))
    const expected = asked.map(n => n < good ? 200 : 403)
    const question = { rate, seconds: stage.sizes.seconds, connections, requests, warmSeconds: Math.min(warmSeconds, 2 * stage.sizes.seconds) }
    const sample = rate === 0 ? sampleOfCore : sampleOfLateness
    const [ours, limit, ...peers] = await takeTurns(stage, name, [
      { who: 'Latchkey', measure: async () => sample(await ask({ ...question, port: latchkey.port, pid: latchkey.pid()!, expected })) },
      { who: 'limit: bare node:http, the same requests', measure: async () => sample(await ask({ ...question, ...bare, expected: [200] })) },
      ...rate === 0 ? [] : [{ who: `bare node:http that works ${checkMicroseconds} µs for each`, measure: async () => sample(await ask({ ...question, ...working, expected: [200] })) }],
    ])
    const work = { row: 'check', work: name, ...rate === 0 ? { unit: '/s per core', better: 'more' as const } : { unit: 'ms at the 99th percentile', better: 'less' as const }, ours: ours!, peers, limit: limit! }
    works.push({ ...work, targets: targets(work) })
  }
  return works
}

const casesOf = (good: number, all: number): Case[] => [
  { work: '/check at most, 1,000 phones again and again', requests: 1000, among: good, rate: 0, targets: work => [reaches(work, 15_000, '15,000/s per core')] },
  { work: '/check, 10,000/s offered, 1,000 phones', requests: 1000, among: good, rate, targets: work => [reaches(work, 2, '99th percentile under 2 ms')] },
  { work: '/check, 10,000/s offered, 20,000 phones of the whole store', requests: 20_000, among: all, rate, warmSeconds: 5, targets: work => [reaches(work, 2, '99th percentile under 2 ms')] },
  { work: '/check, 10,000/s offered, each time a phone that was not asked about before', requests: 100_000, among: all, rate, targets: () => [] },
]

/** Counted from the moment at which a request was due to when the asker has the answer; beside it, by the kernel's clock, what of that the service took. Where the asker itself was late, the machine had no processor left for it. */
function sampleOfLateness(asked: Asked): Sample {
  assertRight(asked)
  const { p99, p50, max, perSecond, server, lateMs, residentMb, wire } = asked
  return { value: p99, about: { 'answered /s': perSecond, 'p50 ms': p50, 'max ms': max, ...wire && { 'at the service p99 ms': wire.p99 }, 'asker late p99 ms': lateMs, 'CPU %': server * 100, MB: residentMb } }
}
