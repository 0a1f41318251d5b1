/** The portal's page: hands the token of its address to the element, and takes it out of the address. */

(() => {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  history.replaceState(null, "", location.pathname);
  const state = document.getElementById("state");
  if (!token) {
    state.textContent = "This link is incomplete: open it again from where you received it.";
    return;
  }
  const element = document.createElement("fusion-usage");
  element.setAttribute("token", token);
  state.replaceWith(element);
})();
