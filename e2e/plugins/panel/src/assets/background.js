// Runs in the host page for as long as the application is open, also while nobody is logged in.
(() => {
  console.info('panel: background script loaded');
})();
