/** One table: what each kind of work takes at each size, and how many times as much at the largest as at the smallest. */
import { percentile } from './measure.ts'

/** @property name  the kind of work @property addresses  what is asked of the largest store @property rounds  for each size, and in it for each round, what each address (or the one thing asked) took: the median, ms */
export type Grown = { readonly name: string, readonly addresses: readonly string[], readonly rounds: readonly (readonly (readonly number[])[])[] }
/** Of one size. @property ms  median over addresses @property slowest  of these addresses; each is the median of the rounds. @property slowestAddress  of the largest store */
export type Point = { readonly addresses: number, readonly ms: number, readonly slowest: number }
export type Curve = { readonly name: string, readonly points: readonly Point[], readonly ratio: number, readonly slowestRatio: number, readonly slowestAddress: string, readonly grows: boolean }

/** Times as much, and milliseconds more, that together count as growth: less is the depth of an index, or the noise of the machine. */
export const [mostTimes, mostMoreMs] = [1.5, 3]

export const median = (values: readonly number[]): number => percentile(values, 50)

export function curveOf({ name, addresses, rounds }: Grown): Curve {
  const points = rounds.map((perRound): Point => ({
    addresses: Math.max(0, ...perRound.map(addresses => addresses.length)), ms: median(perRound.map(median)), slowest: median(perRound.map(addresses => Math.max(...addresses))),
  }))
  const [first, last] = [points[0]!, points.at(-1)!]
  const grows = (from: number, to: number): boolean => to > from * mostTimes && to - from > mostMoreMs
  const lastRound = rounds.at(-1)!.at(-1)!
  const slowestAddress = addresses[lastRound.indexOf(Math.max(...lastRound))] ?? ''
  return { name, points, slowestAddress, ratio: last.ms / first.ms, slowestRatio: last.slowest / first.slowest, grows: grows(first.ms, last.ms) || grows(first.slowest, last.slowest) }
}

export type About = { sizes: readonly number[], rounds: number, machine: string, database: string, kilobytes: readonly number[], ready: readonly { seconds: number, megabytes: number }[], idle: readonly number[], notDone: readonly string[] }

export function reportOf(about: About, curves: readonly Curve[]): string {
  const sizes = about.sizes.map(size => size.toLocaleString('en'))
  const row = (name: string, cells: readonly string[], ...ends: string[]): string => `| ${[name, ...cells, ...ends].join(' | ')} |`
  const times = (values: readonly number[]): string => (values.at(-1)! / values[0]!).toFixed(1)
  const growing = curves.filter(({ grows }) => grows)
  return [
    `${sizes.join(', ')} certificates; ${about.database}, ${about.machine}; ${about.rounds} rounds. Milliseconds from request to answer, one at a time: the median, and of several addresses the slowest in parentheses.`,
    `It grows when it is more than ${mostTimes} × and ${mostMoreMs} ms above the smallest.`, '',
    row('what', sizes, 'largest / smallest', 'grows'), row('---', sizes.map(() => '---:'), '---:', '---'),
    ...curves.map(({ name, points, ratio, slowestRatio, grows }) => row(
      `${name}${points[0]!.addresses > 1 ? `, ${points[0]!.addresses} addresses` : ''}`,
      points.map(({ addresses, ms, slowest }) => addresses > 1 ? `${ms.toFixed(1)} (${slowest.toFixed(1)})` : ms.toFixed(2)),
      points[0]!.addresses > 1 ? `${ratio.toFixed(1)} (${slowestRatio.toFixed(1)})` : ratio.toFixed(1), grows ? '**yes**' : 'no')),
    row('start, seconds until it answers', about.ready.map(({ seconds }) => seconds.toFixed(1)), times(about.ready.map(({ seconds }) => seconds)), ''),
    row('memory after start, MB', about.ready.map(({ megabytes }) => megabytes.toFixed(0)), times(about.ready.map(({ megabytes }) => megabytes)), ''),
    row('idle: database at work, ms in a minute', about.idle.map(ms => ms.toFixed(0)), times(about.idle), ''),
    row('database, MB', about.kilobytes.map(kilobytes => (kilobytes / 1000).toFixed(0)), times(about.kilobytes), ''), '',
    growing.length === 0 ? 'Nothing that is asked grows.' : `These grow, each with the address that is slowest in the largest store:\n\n${growing.map(({ name, slowestAddress }) => `- ${name}${slowestAddress === '' ? '' : `: \`${slowestAddress}\``}`).join('\n')}`,
    ...about.notDone.map(line => `Not as it should be: ${line}`), '',
  ].join('\n')
}
