/** What was measured of one piece of work, and the table of it all. */

/**
 * @property values  one of each round; @property about  what else was seen, in words
 * @property cannot  it was not run because it does not do this work at all
 */
export type Series = { who: string, values: readonly number[], about?: string } | { who: string, notRun: string, cannot?: true }
/** @property met  undefined where it could not be measured */
export type Target = { text: string, met: boolean | undefined }

/** @property better  whether more or less of the unit is wanted */
export type Work = { row: string, work: string, unit: string, better: 'more' | 'less', ours: Series, peers: readonly Series[], limit?: Series, targets: readonly Target[] }

/** Of an even number, what is between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.floor(sorted.length / 2)]!) / 2
}

export const middleOf = (series: Series | undefined): number | undefined =>
  series === undefined || 'notRun' in series || series.values.length === 0 ? undefined : median(series.values)

/** How many times better ours is than theirs, by the medians. */
export function timesBetter({ ours, better }: Pick<Work, 'ours' | 'better'>, other: Series | undefined): number | undefined {
  const [own, theirs] = [middleOf(ours), middleOf(other)]
  if (own === undefined || theirs === undefined) return undefined
  return better === 'more' ? own / theirs : theirs / own
}

/** Ahead of every one of them that does this work, so many times; not known while one of them was not run, unless it is missed already. */
export function aheadOf(work: Pick<Work, 'ours' | 'better'>, peers: readonly Series[], times: number, text: string): Target {
  const able = peers.filter(peer => !('cannot' in peer))
  const ratios = able.map(peer => timesBetter(work, peer)).filter(ratio => ratio !== undefined)
  if (ratios.some(ratio => ratio < times)) return { text, met: false }
  return { text, met: ratios.length > 0 && ratios.length === able.length ? true : undefined }
}

export function reaches({ ours, better }: Pick<Work, 'ours' | 'better'>, wanted: number, text: string): Target {
  const own = middleOf(ours)
  return { text, met: own === undefined ? undefined : better === 'more' ? own >= wanted : own <= wanted }
}

/** Markdown, so that it can be kept: a line for ours with what is wanted, then one for each peer and for the limit. */
export function tableOf(works: readonly Work[]): string {
  return [
    '| work | who | median | of the rounds | ours is … × as good | what else was seen | to reach | met |',
    '| --- | --- | ---: | --- | ---: | --- | --- | --- |',
    ...works.flatMap(linesOf), '',
  ].join('\n')
}

function linesOf(work: Work): string[] {
  const cells = (name: string, series: Series, ratio: string, reach: string, met: string): string => {
    const [middle, spread, about] = 'notRun' in series ? ['not run', '', series.notRun] : [`${digits(median(series.values))} ${work.unit}`, spreadOf(series.values), series.about ?? '']
    return `| ${[name, series.who, middle, spread, ratio, about, reach, met].map(text => text.replaceAll('|', '\\|')).join(' | ')} |`
  }
  const others = [...work.peers, ...work.limit === undefined ? [] : [work.limit]]
  return [
    cells(work.work, work.ours, '', work.targets.map(({ text }) => text).join('; '), work.targets.map(({ met }) => met === undefined ? 'not known' : met ? 'yes' : '**no**').join('; ')),
    ...others.map(other => {
      const ratio = timesBetter(work, other)
      return cells('', other, ratio === undefined ? '' : digits(ratio), '', '')
    }),
  ]
}

const spreadOf = (values: readonly number[]): string => values.length === 1 ? '' : `${digits(Math.min(...values))}–${digits(Math.max(...values))}`

/** Three digits that count. */
export function digits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value)
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return Number(value.toFixed(Math.min(places, 6))).toLocaleString('en', { maximumFractionDigits: 6 })
}
