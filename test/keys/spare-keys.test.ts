import test from 'ava'
import { spareKeys } from '../../src/keys/spare-keys.ts'

/** Keys that are numbers, made when they are let. */
function keysMadeByHand() {
  const made: ((error?: Error) => void)[] = []
  let [next, started] = [0, 0]
  return {
    started: () => started,
    make: async (): Promise<number> => {
      started++
      await new Promise<void>((resolve, reject) => { made.push(error => { if (error === undefined) resolve(); else reject(error) }) })
      return ++next
    },
    async finish(error?: Error): Promise<void> {
      made.shift()!(error)
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    },
  }
}

test('no key is made before the first is asked for', t => {
  const { make, started } = keysMadeByHand()
  spareKeys(make, 2)
  t.is(started(), 0)
})

test('after the first, so many keys lie ready, made one after the other, and each is given once', async t => {
  const { make, started, finish } = keysMadeByHand()
  const take = spareKeys(make, 2)
  const first = take()
  await finish()
  t.is(await first, 1)
  t.is(started(), 2)
  await finish()
  await finish()
  t.is(started(), 3)
  t.deepEqual([await take(), await take()], [2, 3])
})

test('who asks while none lies ready waits for one of their own', async t => {
  const { make, finish } = keysMadeByHand()
  const take = spareKeys(make, 1)
  const asked = [take(), take()]
  await finish()
  await finish()
  t.deepEqual(new Set(await Promise.all(asked)), new Set([1, 2]))
})

test('no key is made ahead before whoever took one has had some rest', async t => {
  const { make, started, finish } = keysMadeByHand()
  const rests: (() => void)[] = []
  const take = spareKeys(make, 1, async () => { await new Promise<void>(resolve => { rests.push(resolve) }) })
  const first = take()
  await finish()
  t.is(await first, 1)
  t.is(started(), 1)
  rests.shift()!()
  while (started() === 1) await Promise.resolve()
  await finish()
  t.is(await take(), 2)
})

test('a key that could not be made ahead fails nobody but who asks for one', async t => {
  const { make, finish } = keysMadeByHand()
  const take = spareKeys(make, 1)
  const first = take()
  await finish()
  t.is(await first, 1)
  await finish(new Error('no entropy'))
  const second = take()
  await finish(new Error('no entropy'))
  await t.throwsAsync(second, { message: 'no entropy' })
})
