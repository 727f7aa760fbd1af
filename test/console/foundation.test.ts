import test from 'ava'
import { safeNext } from '../../src/http/session.ts'
import { openConsole, visitor } from '../support/console.ts'
import { openStory } from '../support/browser.ts'
import { testService } from '../support/service.ts'

test('who is not signed in is sent to sign in and comes back to where they wanted to go', async t => {
  const client = await visitor(t, await testService(t))
  t.is((await client.get('/')).location, '/console')
  const { status, location } = await client.get('/console/words?x=1')
  t.is(status, 302)
  t.is(location, '/console/sign-in?next=%2Fconsole%2Fwords%3Fx%3D1')
})

test('after signing in nobody is sent to another host', t => {
  for (const next of [undefined, '', '//evil.example', '/\\evil.example', 'https://evil.example', '/console\n//evil.example', '/console/../../etc', '/consolex', 'javascript:alert(1)', '/console/sign-in', '/console\\..\\evil', '/console/..//evil.example/', `/console/${'x'.repeat(3000)}`]) {
    t.is(safeNext(next), '/console', next)
  }
  t.is(safeNext('/console/phones?q=Ines%20Roth&page=2'), '/console/phones?q=Ines%20Roth&page=2')
})

test('a session ends by itself: an hour after the last request, and twelve after it began', async t => {
  const service = await testService(t)
  const idle = await openConsole(t, service)
  t.is((await idle.get('/console/words')).status, 200)
  service.clock.advance(3600)
  t.is((await idle.get('/console/words')).status, 302)
  const busy = await openConsole(t, service)
  for (let minutes = 0; minutes < 12 * 60; minutes += 30) {
    t.is((await busy.get('/console/words')).status, 200)
    service.clock.advance(30 * 60)
  }
  t.is((await busy.get('/console/words')).status, 302)
})

test('an address without a page says so on a page', async t => {
  const client = await openConsole(t, await testService(t))
  const { status, text } = await client.get('/console/nowhere')
  t.is(status, 404)
  t.regex(text, /There is nothing here/)
})

test('a browser finds nothing to complain about in what the words mean', async t => {
  const story = await openStory(t)
  if (story === undefined) return
  await story.signIn()
  await story.page.goto(`${story.url}/console/words#signed`)
  t.is(await story.page.locator('h1').innerText(), 'How well a fact is known')
  await story.axe()
})
