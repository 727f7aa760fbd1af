import test from 'ava'
import { hashPassword } from '../../src/http/password.ts'
import { consumeSetupLink, createSetupLink } from '../../src/http/setup-link.ts'
import { authenticator, openStory } from '../support/browser.ts'

test('the first admin sets up with a passkey, signs out, and signs in with the passkey alone', async t => {
  const story = await openStory(t)
  if (story === undefined) return
  const { page, service, url } = story
  const { setVerified } = await authenticator(story)
  await page.goto((await createSetupLink(service)).url)
  await story.axe()
  await page.getByLabel('Your name').fill('Grace Hopper')
  await page.getByLabel('E-mail').fill('grace@example.org')
  await page.getByLabel('Password', { exact: true }).fill('nine purple herons at dawn')
  await page.getByLabel('The same password again').fill('nine purple herons at dawn')
  await page.getByRole('button', { name: 'Make me the first admin' }).click()
  await story.axe()
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('heading', { name: 'The passkey is added' }).waitFor()
  t.is(await page.locator('ol.codes li').count(), 10)
  await story.axe()
  await page.getByRole('link', { name: 'I have kept them' }).click()
  await page.getByText('10 of ten recovery codes left').waitFor()
  await story.axe()

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
  await story.axe()
  await page.goto(`${url}/console/words`)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByRole('heading', { name: 'How well a fact is known' }).waitFor()
  t.is(page.url(), `${url}/console/words`)

  // A device that does not know its owner is not enough.
  await setVerified(false)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByText('No passkey was used').waitFor()
  await page.getByLabel('E-mail').fill('grace@example.org')
  await page.getByLabel('Password').fill('nine purple herons at dawn')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'One more step' }).waitFor()
  await story.axe()
})

test('what a passkey signed opens the console once: sent again it is refused', async t => {
  const story = await openStory(t)
  if (story === undefined) return
  const { page, service, url } = story
  await authenticator(story)
  await story.signIn()
  await page.goto(`${url}/console/account/passkey`)
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('heading', { name: 'The passkey is added' }).waitFor()
  await page.goto(`${url}/console/sign-in`)
  const sent = page.waitForRequest(request => request.method() === 'POST')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  const body = (await sent).postData()!
  await page.getByRole('heading', { level: 1 }).waitFor()
  const headers = { origin: url, 'content-type': 'application/x-www-form-urlencoded' }
  const send = async (text: string): Promise<number> => (await fetch(`${url}/console/sign-in/passkey`, { method: 'POST', headers, body: text, redirect: 'manual' })).status
  t.is(await send(body), 401)
  t.is(await send('credential=%7B%7D'), 401)
  t.is(await send('credential=nonsense'), 401)
  t.is((await service.db.query('select 1 from used_challenges')).length, 2)
})

test('every page about signing in works in the dark, at 320 points and with text twice as large', async t => {
  const story = await openStory(t, { look: { width: 320, height: 640, dark: true } })
  if (story === undefined) return
  const { page, service, url } = story
  const setup = (await createSetupLink(service)).url.slice(url.length)
  await story.signIn()
  for (const path of ['/console/sign-in', setup, '/console/account', '/console/account/passkey', '/console/account/password', '/console/account/codes', '/console/account/tokens', '/console/account/people', '/console/words', '/console/nowhere']) {
    await page.goto(`${url}${path}`)
    await story.axe()
    // As a browser does whose owner asked for larger text.
    await page.evaluate('document.documentElement.style.setProperty("font-size", "30px")')
    t.true(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${path} is wider than the screen`)
  }
})

test('by keyboard alone: from the top of the page to signed in and out', async t => {
  const story = await openStory(t)
  if (story === undefined) return
  const { page, service, url } = story
  const token = new URL((await createSetupLink(service)).url).searchParams.get('token')!
  await consumeSetupLink(service, token, { name: 'Grace Hopper', email: 'grace@example.org', passwordHash: await hashPassword('nine purple herons at dawn') })
  await page.goto(`${url}/console/account`)
  const focused = async (): Promise<string> => await page.evaluate('(document.activeElement.textContent || document.activeElement.name).trim()')
  const tabTo = async (wanted: string): Promise<void> => {
    for (let presses = 0; presses < 40 && await focused() !== wanted; presses++) await page.keyboard.press('Tab')
    t.is(await focused(), wanted)
  }
  await page.keyboard.press('Tab')
  t.is(await focused(), 'Skip to content')
  await page.keyboard.press('Enter')
  await tabTo('email')
  await page.keyboard.type('grace@example.org')
  await tabTo('password')
  await page.keyboard.type('nine purple herons at dawn')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Grace Hopper' }).waitFor()
  await tabTo('Sign out')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
})
