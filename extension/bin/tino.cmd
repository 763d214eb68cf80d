@echo off
rem `tino` in the editor's terminals, by the editor's own Node; the extension names it. Elsewhere by the one on PATH.
setlocal
if not exist "%TINO_NODE%" set "TINO_NODE=node"
set ELECTRON_RUN_AS_NODE=1
"%TINO_NODE%" "%~dp0..\cli\main.js" %*
