/** Asks every question many times, in rounds, and keeps what each took. */
import { shownOnce, type Question } from './addresses.ts'

/** What one answer cost inside the server: wall clock, this thread's CPU time, waiting for the database, statements. */
export type Answer = { ms: number, cpuMs: number, databaseMs: number, queries: number }
export type Measured = {
  page: string, address: string, status: number, kilobytes: number, queries: number
  /** Over all rounds, and the 95th percentile of the quietest one: others on the machine make a round slow, never fast. */
  p50: number, p95: number, quietP95: number, cpuMs: number, databaseMs: number, over: boolean
}
type Ask = (address: string) => Promise<{ status: number, body: Buffer, answer: Answer }>
type How = { times: number, rounds: number, say: (line: string) => void }

export const mostMs = 100
export const mostKilobytes = 150

export async function measure(questions: readonly Question[], ask: Ask, how: How): Promise<Measured[]> {
  const all = await withPages(questions, ask)
  const answers = new Map(all.map(({ address }) => [address, [] as Answer[][]]))
  const last = new Map<string, { status: number, bytes: number }>()
  for (let round = 0; round < how.rounds; round++) {
    for (const { address } of all) {
      const own: Answer[] = []
      // The first answer of a round warms what the others use.
      for (let time = -1; time < how.times; time++) {
        const { status, body, answer } = await ask(address)
        if (time >= 0) own.push(answer)
        last.set(address, { status, bytes: body.length })
        // What takes seconds needs no thirty times to be known.
        if (answer.ms > 2000 && time >= 1) break
      }
      answers.get(address)!.push(own)
    }
    how.say(`round ${round + 1} of ${how.rounds}`)
  }
  return all.map(({ page, address }) => {
    const rounds = answers.get(address)!
    const flat = rounds.flat()
    const { status, bytes } = last.get(address)!
    const quietP95 = Math.min(...rounds.map(round => percentile(round.map(({ ms }) => ms), 95)))
    return {
      page, address, status, kilobytes: bytes / 1000, queries: flat.at(-1)!.queries, p50: percentile(flat.map(({ ms }) => ms), 50), p95: percentile(flat.map(({ ms }) => ms), 95), quietP95,
      cpuMs: percentile(flat.map(({ cpuMs }) => cpuMs), 50), databaseMs: percentile(flat.map(({ databaseMs }) => databaseMs), 50), over: quietP95 > mostMs || bytes / 1000 > mostKilobytes || status >= 400 && !shownOnce(page),
    }
  })
}

/** The further pages of a list, by the link on the page before. */
export async function withPages(questions: readonly Question[], ask: (address: string) => Promise<{ body: Buffer }>): Promise<Question[]> {
  const all: Question[] = []
  for (const question of questions) {
    all.push(question)
    let { address } = question
    for (let page = 2; page <= question.follow + 1; page++) {
      const next = /<a class="button" href="([^"]+)" rel="next">/.exec((await ask(address)).body.toString())?.[1]?.replaceAll('&amp;', '&')
      if (next === undefined) break
      address = next
      all.push({ page: `${question.page} · page ${page}`, address, follow: 0 })
    }
  }
  return [...new Map(all.map(question => [question.address, question])).values()]
}

export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * percent / 100) - 1)] ?? 0
}
