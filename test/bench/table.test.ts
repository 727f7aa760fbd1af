import test from 'ava'
import { aheadOf, median, reaches, tableOf, timesBetter, type Series, type Work } from './table.ts'

const ran = (who: string, ...values: number[]): Series => ({ who, values })
const rate = (...values: number[]) => ({ ours: ran('Latchkey', ...values), better: 'more' as const })

test('ours is better by how many more answers, and by how much less time', t => {
  t.is(timesBetter(rate(100, 300, 200), ran('peer', 50, 100)), 200 / 75)
  t.is(timesBetter({ ours: ran('Latchkey', 10), better: 'less' }, ran('peer', 40)), 4)
  t.is(timesBetter(rate(100), { who: 'peer', notRun: 'is not there' }), undefined)
})

test('the median of an even number of rounds favours nobody', t => {
  t.is(median([1, 2, 3, 10]), 2.5)
  t.is(median([3, 1, 2]), 2)
})

test('being ahead is not known while one that does the work was not run, unless another is ahead already', t => {
  const [absent, unable]: Series[] = [{ who: 'absent', notRun: 'is not installed' }, { who: 'unable', notRun: 'has no nonce', cannot: true }]
  t.is(aheadOf(rate(100), [ran('slow', 40), absent!], 2, '').met, undefined)
  t.is(aheadOf(rate(100), [ran('quick', 60), absent!], 2, '').met, false)
  t.is(aheadOf(rate(100), [ran('slow', 40), unable!], 2, '').met, true)
  t.is(aheadOf(rate(100), [absent!], 2, '').met, undefined)
})

test('what was not run stands in the table with the reason, and its targets are not known', t => {
  const ours: Series = { who: 'Latchkey', notRun: 'failed: there is no PostgreSQL here' }
  const work: Work = { row: 'x', work: 'certificates', unit: '/s', better: 'more', ours, peers: [ran('peer', 1500, 2500)], targets: [reaches({ ours, better: 'more' }, 2000, '2,000/s')] }
  const lines = tableOf([work]).split('\n')
  t.is(lines[2], '| certificates | Latchkey | not run |  |  | failed: there is no PostgreSQL here | 2,000/s | not known |')
  t.is(lines[3], '|  | peer | 2,000 /s | 1,500–2,500 |  |  |  |  |')
})
