import test from 'ava'
import { activeSyncStore } from '../../src/store/activesync.ts'
import { openStory } from '../support/browser.ts'
import { issueDevice } from '../support/issued.ts'
import { layoutFaults } from '../support/layout-faults.ts'

test('somebody sees on Today that a phone contradicts its certificate, looks at it, and accepts it', async t => {
  const story = await openStory(t, { look: { width: 320 } })
  if (story === undefined) return
  const { service, page, url } = story
  await story.signIn('operator')
  const { deviceId, serialNumber, authorityId } = await issueDevice(service, { email: 'ada@example.org' })
  const store = activeSyncStore(service.db)
  await store.putDeviceId({ authorityId, serialNumber }, 'O8S9UD4DOH0SLEPOQC5AJ9AE3C', service.now())
  for (const user of ['bob@example.org', `${'a-very-long-name-without-any-space'.repeat(3)}@example.org`]) {
    await store.add(deviceId, { finding: 'other-user', claimed: user, sentence: `A request is for the mailbox of ${user}, and the certificate belongs to ada@example.org.` }, { serialNumber, frontEnd: 'mail', action: 'refuse' }, service.now())
  }
  const fits = async (): Promise<void> => {
    t.deepEqual(await layoutFaults(page), [], page.url())
    await story.axe()
  }
  await page.goto(`${url}/console`)
  await page.getByText('contradicts its certificate').first().waitFor()
  await fits()
  await page.getByRole('link', { name: 'Look at it' }).click()
  await page.getByRole('heading', { name: 'What it says over ActiveSync' }).waitFor()
  await fits()
  await page.getByLabel('Why it is all right').fill('a shared mailbox')
  await page.getByRole('button', { name: 'Accept' }).click()
  await page.getByText('Said again, it counts as no contradiction').waitFor()
  await fits()
  await page.goto(`${url}/console/policy/activesync?userAgent=${encodeURIComponent('Apple-iPhone14C5/807.4')}`)
  await page.getByText('never ran on').waitFor()
  await fits()
})
