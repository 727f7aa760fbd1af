import test from 'ava'
import { CaError } from '../../src/errors.ts'
import { merged } from '../../src/http/merged.ts'
import { DatabaseError } from '../../src/store/db.ts'

/** What was written, statement by statement; each ends when it is told to. */
function statements(): { written: (readonly number[])[], write: (items: readonly number[]) => Promise<void>, end: (error?: unknown) => Promise<void> } {
  const written: (readonly number[])[] = []
  const ends: ((error?: unknown) => void)[] = []
  return {
    written,
    async write(items) {
      written.push(items)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      ends.push(error => { if (error === undefined) resolve(); else reject(error) })
      await promise
    },
    async end(error) {
      ends.shift()!(error)
      await new Promise(resolve => { setImmediate(resolve) })
    },
  }
}

test('while two statements are under way whoever comes goes with the next one', async t => {
  const { written, write, end } = statements()
  const put = merged(write)
  const all = Promise.all([1, 2, 3, 4, 5].map(async n => await put(n)))
  t.deepEqual(written, [[1], [2]])
  await end()
  t.deepEqual(written, [[1], [2], [3, 4, 5]])
  await end()
  await end()
  await all
})

test('nobody is told that something was written before it was', async t => {
  const { write, end } = statements()
  const put = merged(write)
  const told: number[] = []
  const all = Promise.all([1, 2, 3].map(async n => { await put(n); told.push(n) }))
  await end()
  t.deepEqual(told, [1])
  await end()
  t.deepEqual(told, [1, 2])
  await end()
  await all
  t.deepEqual(told, [1, 2, 3])
})

test('what is refused fails for itself, and what was handed over with it is written', async t => {
  const refused = new DatabaseError('no', '23505', 'here')
  const kept: number[] = []
  const put = merged<number>(async items => {
    await new Promise(resolve => { setImmediate(resolve) })
    if (items.includes(4)) throw refused
    kept.push(...items)
  })
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(async n => await put(n)))
  t.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  t.is((outcomes[3] as PromiseRejectedResult).reason, refused)
  t.deepEqual(kept.sort(), [1, 2, 3, 5])
})

test('without a database everybody is told so, once', async t => {
  let asked = 0
  const put = merged<number>(async () => {
    asked++
    await new Promise(resolve => { setImmediate(resolve) })
    throw new CaError('database-unavailable', 'gone')
  })
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(async n => await put(n)))
  t.true(outcomes.every(outcome => outcome.status === 'rejected' && (outcome.reason as CaError).code === 'database-unavailable'))
  t.is(asked, 3)
})
