import type { Way } from './fleet.ts'
import { kinds, type Answered } from './measure.ts'

/** @property notRun  why, where it was not; @property seenMs  of each revocation and each other instance */
export type Row = { way: Way, count: number } & ({ notRun: string } | { answered: Answered[], seenMs: number[] })

/** Markdown, so that it can be kept: medians of the rounds, and in parentheses the least and the most. */
export function reportOf(about: Record<string, unknown>, rows: readonly Row[]): string {
  const heads = ['way to PostgreSQL', 'instances', ...kinds.map(kind => `${kind} /s`), 'wrong', 'revocation seen at the others, median ms', 'most ms', 'of']
  return [JSON.stringify(about), '', `| ${heads.join(' | ')} |`, `| ${heads.map((_, index) => index === 0 ? '---' : '---:').join(' | ')} |`, ...rows.map(rowOf), ''].join('\n')
}

function rowOf(row: Row): string {
  const cells = 'notRun' in row ? [`not run: ${row.notRun}`, ...kinds.map(() => ''), '', '', ''] : [
    ...kinds.map(kind => spread(row.answered.map(answered => answered[kind].perSecond))),
    String(row.answered.reduce((sum, answered) => sum + kinds.reduce((wrong, kind) => wrong + answered[kind].wrong, 0), 0)),
    ...row.seenMs.length === 0 ? ['', '', ''] : [median(row.seenMs).toFixed(0), Math.max(...row.seenMs).toFixed(0), String(row.seenMs.length)],
  ]
  return `| ${[row.way, row.count, ...cells].join(' | ')} |`
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
const spread = (values: readonly number[]): string => `${median(values)} (${Math.min(...values)}–${Math.max(...values)})`
