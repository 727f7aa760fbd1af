/** How somebody works a page: with a pointer, or by keyboard alone. A story that takes a hand is told for both. */
import type { ExecutionContext } from 'ava'
import type { Locator, Page } from 'playwright-core'

export type Role = 'link' | 'button'
export type Hand = {
  /** Follows a link or presses a button. @param name  what a screen reader calls it */
  press(role: Role, name: string | RegExp): Promise<void>
  /** Writes into the field of this label, in place of what stands there. */
  write(label: string | RegExp, text: string): Promise<void>
  /** Chooses one of several. */
  choose(label: string | RegExp): Promise<void>
  /** Opens a part that is folded. */
  unfold(summary: string): Promise<void>
  /** Sends the form that was written into last. */
  send(): Promise<void>
}

const control = (page: Page, role: Role, name: string | RegExp): Locator => page.getByRole(role, { name, ...typeof name === 'string' && { exact: true } }).first()
const fieldOf = (page: Page, label: string | RegExp): Locator => page.getByLabel(label, { ...typeof label === 'string' && { exact: true } }).first()
const radio = (page: Page, name: string | RegExp): Locator => page.getByRole('radio', { name })
const summaryOf = (page: Page, text: string): Locator => page.locator('summary', { hasText: text })

export const pointer = (page: Page): Hand => ({
  press: async (role, name) => { await control(page, role, name).click() },
  write: async (label, text) => { await fieldOf(page, label).fill(text) },
  choose: async label => { await radio(page, label).check() },
  unfold: async summary => { await summaryOf(page, summary).click() },
  send: async () => { await page.keyboard.press('Enter') },
})

/** Every stop on the way is held to be seen: an outline, on the screen, with nothing over it, after the one before. */
export function keyboard(t: ExecutionContext<any>, page: Page): Hand {
  const goTo = async (target: Locator): Promise<void> => { await tabTo(t, page, target) }
  return {
    async press(role, name) {
      await goTo(control(page, role, name))
      await page.keyboard.press('Enter')
    },
    async write(label, text) {
      await goTo(fieldOf(page, label))
      await page.keyboard.press('Control+A')
      await page.keyboard.type(text)
    },
    async choose(label) {
      const wanted = radio(page, label)
      const group = await wanted.getAttribute('name')
      // Tab reaches a group at the choice that stands; arrows move it.
      await goTo(page.locator(`input[type=radio][name="${group}"]:checked`))
      for (let presses = 0; presses < 10 && !await wanted.isChecked(); presses++) await page.keyboard.press('ArrowDown')
      t.true(await wanted.isChecked(), `${label} is chosen`)
    },
    async unfold(summary) {
      await goTo(summaryOf(page, summary))
      await page.keyboard.press('Enter')
    },
    send: async () => { await page.keyboard.press('Enter') },
  }
}

/** Presses Tab until this has the focus. What stands before the focus is reached by Shift+Tab. */
export async function tabTo(t: ExecutionContext<any>, page: Page, target: Locator, most = 150): Promise<void> {
  const wanted = (await target.elementHandle())!
  const back = await page.evaluate(stopBefore, wanted)
  for (let presses = 0; presses < most; presses++) {
    if (await page.evaluate(isFocused, wanted)) return
    const before = await page.evaluateHandle(focusedElement)
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab')
    const fault = await page.evaluate(faultOfStop, [before, back] as const)
    if (fault !== undefined) return t.fail(`${page.url()}: ${fault}`)
  }
  t.fail(`${page.url()}: ${target} is not reached by Tab`)
}

// Read inside the page, where there is a document.
declare const document: any, Node: any, innerHeight: number, innerWidth: number, getComputedStyle: (element: any) => any

const focusedElement = (): unknown => document.activeElement
const isFocused = (wanted: unknown): boolean => document.activeElement === wanted
const stopBefore = (wanted: any): boolean =>
  document.activeElement !== document.body && (document.activeElement.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING) !== 0

function faultOfStop([before, back]: readonly [any, boolean]): string | undefined {
  const stop = document.activeElement
  if (stop === null || stop === document.body) return undefined
  const name = `${stop.tagName.toLowerCase()} ${JSON.stringify((stop.innerText || stop.name || '').slice(0, 40))}`
  const follows = (before.compareDocumentPosition(stop) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
  // From the body the first comes first; from the last the browser begins anew.
  if (before !== document.body && before !== stop && follows === back) return `${name} is out of order`
  const { left, right, top, bottom } = stop.getBoundingClientRect()
  if (right <= 0 || bottom <= 0 || left >= innerWidth || top >= innerHeight) return `${name} has the focus and is not on the screen`
  const { outlineStyle, outlineWidth } = getComputedStyle(stop)
  if (outlineStyle === 'none' || Number.parseFloat(outlineWidth) < 2) return `${name} does not show that it has the focus`
  const at = (low: number, high: number, most: number): number => (Math.max(low, 0) + Math.min(high, most)) / 2
  const seen = document.elementFromPoint(at(left, right, innerWidth), at(top, bottom, innerHeight))
  return seen === null || stop.contains(seen) || seen.contains(stop) ? undefined : `${name} has the focus and is covered`
}
