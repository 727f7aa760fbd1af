import { percentile } from '../measure.ts'
import type { Latency, Version } from './measure.ts'
import type { FrontEndKind } from './kinds.ts'
import { ways, type Way } from '../../support/prober.ts'

export type FrontEndMeasured = {
  readonly kind: Pick<FrontEndKind, 'name' | 'title' | 'perRequest' | 'resumes' | 'running'>
  readonly latencies: readonly { readonly version: Version, readonly latencies: readonly Latency[] }[]
  /** How long open requests lived on, in milliseconds. */
  readonly pings: readonly number[]
}
export type About = { readonly revoked: number, readonly revocations: number, readonly streamLimitSeconds: number, readonly pauseMs: number, readonly machine: string, readonly database: string }

/** What is demanded, in milliseconds: of those that are asked about every request, and of those that reload lists. */
export const bounds = { perRequest: { median: 25, max: 250 }, reload: { median: 2000, max: 2000 } } as const

export type Row = { readonly frontEnd: string, readonly version: Version, readonly way: Way, readonly median: number, readonly max: number, readonly refusedMedian: number, readonly refusedMax: number, readonly n: number, readonly over: boolean }

export function rowsOf({ kind, latencies }: FrontEndMeasured): Row[] {
  const bound = kind.perRequest ? bounds.perRequest : bounds.reload
  return latencies.flatMap(({ version, latencies }) => ways.flatMap((way): Row[] => {
    const own = latencies.filter(latency => latency.way === way)
    if (own.length === 0) return []
    const [accepted, refused] = [own.map(({ lastAcceptedMs }) => lastAcceptedMs), own.map(({ firstRefusedMs }) => firstRefusedMs)]
    const [median, max] = [percentile(accepted, 50), Math.max(...accepted)]
    return [{ frontEnd: kind.title, version, way, median, max, refusedMedian: percentile(refused, 50), refusedMax: Math.max(...refused), n: own.length, over: median > bound.median || max > bound.max }]
  }))
}

/** Markdown, so that it can be kept. */
export function reportOf({ revoked, revocations, streamLimitSeconds, pauseMs, machine, database }: About, measured: readonly FrontEndMeasured[]): string {
  const rows = measured.flatMap(one => [
    ...rowsOf(one).map(({ frontEnd, version, way, median, max, refusedMedian, refusedMax, n, over }) =>
      `| ${over ? '**over**' : 'ok'} | ${frontEnd} | ${version} | ${way}${way === 'resumed' && one.kind.resumes === 'when-edited' ? ' ¹' : ''} | ${ms(median)} | ${ms(max)} | ${ms(refusedMedian)} | ${ms(refusedMax)} | ${n} |`),
    ...one.kind.resumes === 'never' ? [`| ok | ${one.kind.title} | both | resumed | no session is resumed | | | | |`] : [],
  ])
  return [
    `${revoked.toLocaleString('en')} certificates revoked before, ${revocations} revocations for each front end and version of TLS, ${pauseMs / 1000} s apart; ${database}; ${machine}.`, '',
    `Milliseconds from the moment \`POST /api/v1/certificates/revoke\` was sent. Bounds: median ${bounds.perRequest.median} and maximum ${bounds.perRequest.max} where every request is asked about, ${bounds.reload.max} where lists are reloaded.`, '',
    '| verdict | front end | TLS | connection | last let in, median | max | first refused, median | max | n |', '| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |', ...rows, '',
    '¹ With a configuration edited to resume sessions; as printed it resumes none.', '',
    `How long an open request (a Ping) lives on after its phone is revoked, with a stream limit of ${streamLimitSeconds} s:`, '',
    '| front end | what ends it | median | max | n |', '| --- | --- | ---: | ---: | ---: |',
    ...measured.map(({ kind, pings }) => `| ${kind.title} | ${kind.running} | ${ms(percentile(pings, 50))} | ${ms(Math.max(...pings))} | ${pings.length} |`), '',
  ].join('\n')
}

const ms = (value: number): string => value.toFixed(1)
