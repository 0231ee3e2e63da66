/** Loops inside the server that keep what is stored in agreement with itself. */
export { keepAddresses } from './keep-addresses.ts'
